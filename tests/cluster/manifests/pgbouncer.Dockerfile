# There is no official image of PgBouncer, so this one installs the package of Debian.
FROM postgres:18
RUN apt-get update --option=Acquire::Check-Valid-Until=false \
    && apt-get install --yes --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
USER 999:999
ENTRYPOINT ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
