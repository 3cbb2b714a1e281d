# syntax=docker/dockerfile:1
# --build-arg GRAPHIQL=off leaves out GraphiQL, which only a sandbox serves: 13 MB of 30 MB of packages.
FROM node:24-slim@sha256:a9f5f7c91a432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df AS build
ARG GRAPHIQL=on
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: the only one that matters brings a Node for hosts that have an older one.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY schema ./schema
COPY src ./src
COPY providers ./providers
COPY sandbox ./sandbox
COPY template ./template
RUN node scripts/build.ts && node scripts/bundle-server.ts && node scripts/trace-modules.ts --graphiql=$GRAPHIQL
RUN npm run --silent sbom

FROM node:24-slim@sha256:a9f5f7c91a432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df
LABEL org.opencontainers.image.title="verification-subgraph" \
      org.opencontainers.image.description="GraphQL federation subgraph for identity verifications and bank card checks" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/node:24-slim"
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4001 NODE_COMPILE_CACHE=.compile-cache
COPY --from=build /app/dist/modules/node_modules ./node_modules
COPY --from=build /app/dist/server ./dist/server
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/dist/providers ./dist/providers
COPY --from=build /app/dist/sandbox ./dist/sandbox
COPY --from=build /app/dist/schema ./dist/schema
COPY --from=build /app/dist/template ./dist/template
# What the image contains, as CycloneDX.
COPY --from=build /app/dist/sbom.json ./
COPY package.json ./
# Compiles what a start loads, so that each start only reads it.
RUN node -e "Promise.all(['app', 'redis', 'jwt'].map((name) => import('./dist/server/' + name + '.js'))).then(() => process.exit())"
USER node
EXPOSE 4001 4002
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server/main.js"]
