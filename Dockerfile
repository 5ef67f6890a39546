# One image for every process of ours: `arrears worker`, `arrears api`, `arrears db upgrade`, …
FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/arrears
COPY requirements.lock ./
RUN /opt/arrears/bin/python -m pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY arrears arrears
RUN /opt/arrears/bin/python -m pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-trixie
RUN groupadd --gid 10001 arrears && useradd --uid 10001 --gid arrears --no-create-home --home-dir /tmp --shell /usr/sbin/nologin arrears
COPY --from=build /opt/arrears /opt/arrears
ENV PATH=/opt/arrears/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    ARREARS_DATA_DIR=/tmp/arrears
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["arrears"]
CMD ["worker"]
