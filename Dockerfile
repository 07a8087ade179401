# One image for each app that runs on servers (docs/operations/images.md):
#
#   docker build --build-arg APP=gateway --tag natter/gateway .
#
# D1. Nothing changes in the layers with npm's packages and with Node when only code has changed.
# D2. The image has what the app runs with and nothing that builds it: no npm, no compiler, no package that isn't imported.
# D3. Nothing in it can be written by the user that it runs as, and nothing has to be: it runs on a read-only file system.

FROM docker.io/library/node:22-bookworm-slim AS build
WORKDIR /natter
COPY package.json package-lock.json .npmrc ./
COPY tools/image-install.mjs tools/
# No package runs a script here. An npm registry that asks for a password: --secret id=npmrc,src=$HOME/.npmrc
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=cache,id=natter-npm,target=/root/.npm \
    node tools/image-install.mjs before \
 && npm ci --prefer-offline --ignore-scripts --include=dev --include=optional --no-update-notifier --loglevel=error \
 && node tools/image-install.mjs after
COPY tsconfig.json nest-cli.json LICENSE ./
COPY tools tools
COPY libs libs
COPY apps apps
ARG APP
RUN case "$APP" in \
      gateway | persistence) ./node tools/build.mjs "$APP" ;; \
      messenger) ./node tools/build.mjs messenger page ;; \
      *) echo "There is no image '$APP': --build-arg APP=gateway, persistence or messenger" >&2; exit 64 ;; \
    esac
RUN ./node tools/image-packages.mjs "$APP" \
 && npm prune --offline --omit=dev --ignore-scripts --no-update-notifier --loglevel=error \
 && npm sbom --omit=dev --sbom-format=cyclonedx --sbom-type=application > sbom.cdx.json \
 && ./node tools/image-layout.mjs "$APP"

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tini \
 && find /var/lib/apt/lists /var/cache/apt /var/cache/debconf /var/log -type f -delete \
 && groupadd --gid 10001 natter \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin natter
WORKDIR /app
COPY --from=build /natter/node bin/node
ARG APP
COPY --from=build /natter/node_modules node_modules
COPY --from=build /natter/sbom.cdx.json /natter/LICENSE /usr/share/doc/natter/
COPY --from=build /natter/dist/apps dist/apps
COPY --from=build /natter/image ./
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="natter/$APP" \
      org.opencontainers.image.description="Natter, a self-hosted realtime mesh for NestJS teams: $APP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The Natter authors" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# A container's own loopback is of no use to anybody else. All else is said by who runs it.
ENV NODE_ENV=production \
    NATTER_GATEWAY_HOST=0.0.0.0 \
    NATTER_MESSENGER_HOST=0.0.0.0 \
    NATTER_OPS_HOST=0.0.0.0 \
    NATTER_OPS_PORT=9000
USER 10001:10001
EXPOSE 8000 9000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tini", "--", "/app/bin/node"]
CMD ["src/main.js"]
