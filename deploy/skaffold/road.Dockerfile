# What `skaffold verify` runs: the road of `helm test`, in content's image.
ARG CONTENT
FROM $CONTENT
COPY deploy/helm/duet/files/road.py /road.py
# By its path: skaffold gives the container the environment of the caller, PATH included.
ENTRYPOINT ["/app/.venv/bin/python", "/road.py"]
