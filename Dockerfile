# Sandbank in a container; docs/docker.md says how to use it.
#
#   docker build -t sandbank .
#   docker run --rm -p 127.0.0.1:8000:8000 --read-only --tmpfs /tmp sandbank
#
# Three stages: the wheel is built, installed with its compiled banks, and copied into an image that holds neither the
# source nor what built it. A test runs these very lines (tests/packaging), with other folders in place of the roots.
ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS built
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY web/ web/
COPY openapi/ openapi/
COPY scenarios/ scenarios/
COPY seeds/ seeds/
COPY sandbox/ sandbox/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=cache,target=/root/.npm \
    SANDBANK_WEB=require python -m pip wheel --no-deps --wheel-dir /wheels .

FROM python:${PYTHON} AS installed
RUN python -m venv /opt/sandbank
COPY --from=built /wheels/ /wheels/
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/sandbank/bin/python -m pip install --disable-pip-version-check /wheels/*.whl \
    && /opt/sandbank/bin/python -m pip uninstall --quiet --yes pip
# The compiled banks, for whoever runs the container: to be read by all, and written by nobody.
RUN SANDBANK_CACHE_DIR=/opt/sandbank/cache /opt/sandbank/bin/sandbank ecosystem compile kuwait tiny \
    && chmod -R a+rX,a-w /opt/sandbank
# A volume that is mounted here for the first time belongs to the user of the container.
RUN mkdir /data

FROM python:${PYTHON} AS served
LABEL org.opencontainers.image.title="Sandbank" \
      org.opencontainers.image.description="A whole retail bank for tests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=installed /opt/sandbank/ /opt/sandbank/
COPY --from=installed --chown=10001:10001 /data/ /data/
ENV PATH=/opt/sandbank/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SANDBANK_HOST=0.0.0.0 \
    SANDBANK_PORT=8000 \
    SANDBANK_LOG_LEVEL=info \
    SANDBANK_CACHE_DIR=/opt/sandbank/cache
# A folder of yours mounted here is the working directory: its sandbank.toml, scenarios and ecosystems are found.
WORKDIR /bank
# A number, so that Kubernetes can see that it is not root. It needs no name and no home.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["sandbank", "health"]
ENTRYPOINT ["sandbank"]
CMD ["serve"]
