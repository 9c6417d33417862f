# Kaijuan in a container: exactly what requirements.runtime.lock names, checked by hashes, as a user of its own.
FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
RUN useradd --create-home --home-dir /srv/kaijuan --uid 1000 kaijuan
WORKDIR /srv/kaijuan
COPY --chown=kaijuan . app/
RUN python -m pip install --no-cache-dir --require-hashes --requirement app/requirements.runtime.lock \
 && python -m pip install --no-cache-dir --no-deps --editable ./app \
 && python -m compileall -q -j 0 app/app app/search \
 && install --directory --owner=kaijuan --mode=0700 var
WORKDIR /srv/kaijuan/app
USER kaijuan
ENV KAIJUAN_DATA_DIR=/srv/kaijuan/var
VOLUME /srv/kaijuan/var
EXPOSE 8000
ENTRYPOINT ["kaijuan"]
CMD ["serve", "--host", "0.0.0.0"]
