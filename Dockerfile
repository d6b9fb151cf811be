# One image for every process: its command is one of relay's, such as web, worker or beat.
# Python is the version that requirements.txt is pinned with.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /app
WORKDIR /src
# The packages first: they change less often than the code.
COPY requirements.txt requirements-build.txt ./
RUN /app/bin/pip install --require-hashes -r requirements.txt -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY relay relay
COPY web web
COPY worker worker
COPY shared shared
RUN /app/bin/pip install --no-deps --no-build-isolation . && /app/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim-bookworm
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Nothing is installed in a running container, so nothing is needed for it.
RUN pip uninstall --yes setuptools wheel pip \
    && useradd --system --uid 10001 --no-create-home relay \
    && install --directory --owner=relay --group=relay --mode=700 /data
COPY --from=build /app /app
COPY docker/alive.py /app/alive.py
USER relay
WORKDIR /data
ENV RELAY_DATA_DIR=/data
EXPOSE 8080
ENTRYPOINT ["relay"]
CMD ["--help"]
