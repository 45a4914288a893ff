# The edge of compose.yaml: nginx from Debian, with nginx.conf.

FROM debian:bookworm-slim
RUN set -eu; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx-light; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
LABEL org.opencontainers.image.title="gradus-edge" \
      org.opencontainers.image.description="TLS and limits in front of gradus-server"
COPY docker/nginx.conf /etc/nginx/nginx.conf
EXPOSE 8443
USER 65532:65532
# nginx lets calls in flight finish on SIGQUIT.
STOPSIGNAL SIGQUIT
# Whether it accepts connections; the servers behind it have checks of their own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8443"]
ENTRYPOINT ["/usr/sbin/nginx", "-g", "daemon off;"]
