# The edge of compose.yaml: nginx from Debian, with nginx.conf.

FROM debian:bookworm-slim
RUN set -eu; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx-light; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
LABEL org.opencontainers.image.title="gradus-edge" \
      org.opencontainers.image.description="TLS and limits in front of gradus-server"
COPY docker/nginx.conf /etc/nginx/nginx.conf
EXPOSE 8443
USER 65532:65532
# nginx lets calls in flight finish on SIGQUIT.
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/usr/sbin/nginx", "-g", "daemon off;"]
