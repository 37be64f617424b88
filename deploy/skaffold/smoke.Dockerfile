# What `skaffold verify` runs: the smoke test of `helm test`, in content's image.
ARG CONTENT
FROM $CONTENT
COPY deploy/helm/duet/files/smoke.py /smoke.py
# By its path: skaffold gives the container the environment of the caller, PATH included.
ENTRYPOINT ["/app/.venv/bin/python", "/smoke.py"]
