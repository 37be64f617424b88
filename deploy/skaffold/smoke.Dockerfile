# The image for `skaffold verify`: content's image with the smoke test of `helm test`.
ARG CONTENT
FROM $CONTENT
COPY deploy/helm/duet/files/smoke.py /smoke.py
# An absolute path, because skaffold passes the caller's environment, including PATH, to the container.
ENTRYPOINT ["/app/.venv/bin/python", "/smoke.py"]
