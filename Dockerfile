# The image that `swarmd bootstrap` runs on the managers. Its base images are build arguments, so that it can also be built where no
# public registry is to be had: a BUILD_IMAGE without Go, of a shell, mkdir, cp and certificates, takes the bin/swarmd that was built before.
ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
ARG VERSION=dev
RUN mkdir -p /out/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/
RUN if command -v go >/dev/null; then CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/swarmd ./cmd/swarmd; \
    elif bin/swarmd --version; then cp bin/swarmd /out/swarmd; \
    else echo "this BUILD_IMAGE has no Go, and bin/swarmd does not run in it: make build first" >&2; exit 1; fi

FROM ${BASE_IMAGE}
COPY --from=build /out/ /
# The Docker socket belongs to root:docker with mode 0660, and the docker group's number differs from host to host. The service
# that bootstrap creates runs as user 0 with every capability dropped: as the socket's owner it needs none. To run it as another
# user, give that user the host's docker group: `docker run --group-add "$(stat -c %g /var/run/docker.sock)" --user 65532 …`.
ENTRYPOINT ["/swarmd"]
CMD ["run"]
