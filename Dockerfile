# Doorpost alone: a static program in an empty image, without a shell, without root.
#
#   docker build -t doorpost .
#   docker run --rm --hostname mail -p 127.0.0.1:1025:25 -p 127.0.0.1:1587:587 -p 127.0.0.1:1465:465 \
#     -p 127.0.0.1:2525:2525 -p 127.0.0.1:8025:8025 doorpost
#
# Settings are flags behind the image's name, or DOORPOST_… variables.

# Alpine's Rust builds for musl, so what comes out needs no library.
FROM docker.io/library/rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist --bin doorpost \
    && install -D target/dist/doorpost /out/doorpost \
    && install -d /out/certs /out/data

FROM scratch
COPY --from=build /out/doorpost /doorpost
# Where the CA is made on the first start; a volume there keeps it: --volume ./certs:/certs
COPY --from=build --chown=65532:65532 /out/certs /certs
# For --data /data, which keeps mail; a container without a volume loses it.
COPY --from=build --chown=65532:65532 /out/data /data
ENV DOORPOST_HOST=0.0.0.0 \
    DOORPOST_WEB=0.0.0.0:8025 \
    DOORPOST_PORTS=standard \
    DOORPOST_CERTS=/certs
# Docker lets everybody in a container open ports below 1024. Podman wants --sysctl net.ipv4.ip_unprivileged_port_start=25.
USER 65532:65532
EXPOSE 25 465 587 2525 8025
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["/doorpost", "ready"]
ENTRYPOINT ["/doorpost"]
