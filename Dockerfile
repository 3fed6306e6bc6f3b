# One image, two commands: containers/ingest.ts (the default) and containers/resize.ts. The version of
# Node.js is that of the npm package "node", on which the tests run.
FROM node:24.21.0-trixie-slim AS base
WORKDIR /app

FROM base AS dependencies
COPY package.json package-lock.json ./
# sharp comes as a binary, so no package has to run a script.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# The setting "heic": without it the image contains no decoder of HEIC.
ARG HEIC=true
RUN [ "$HEIC" = true ] || rm -r node_modules/libheif-js

FROM base
RUN apt-get update && apt-get install --yes --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*
# Execute only: the kernel then hides the memory of a process that runs this file from other processes of
# the same user (proc(5); "PR_SET_DUMPABLE" in prctl(2)). A hijacked decoder can read neither its worker's
# credentials nor another decoder's image (SECURITY.md). The price is a second copy of Node.js in this layer.
RUN chmod 0711 /usr/local/bin/node
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY lambdas ./lambdas
COPY containers ./containers

# The user "node" of the base image, as a number, so that orchestrators can see that it is not root.
USER 1000:1000
# The root file system may be read-only except for /tmp. An ECS volume inherits its permissions from here (ECS
# Developer Guide, "Use bind mounts with Amazon ECS").
VOLUME ["/tmp"]
ENV TMPDIR=/tmp
ENV NODE_ENV=production
# Images are buffers outside of the heap, so a small heap is enough, and Node.js collects garbage early even
# on a large machine. On SIGUSR1 Node.js would open its debugger to every process of the container.
ENV NODE_OPTIONS="--max-old-space-size=128 --max-semi-space-size=1 --disable-sigusr1"
# Returns the memory of large images to the system; glibc's allocator keeps more of it. The loader finds the
# file in the folder of the processor's architecture.
ENV LD_PRELOAD=libjemalloc.so.2
EXPOSE 8080

# A worker touches this file whenever it polls its queue.
ENV HEARTBEAT_FILE=/tmp/heartbeat
# For both commands. ECS uses only the task definition, which names the same check (ECS Developer Guide,
# "Determine Amazon ECS task health using container health checks").
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["node", "containers/healthy.ts"]

# Without the base image's script, so that signals reach Node.js. Run it with `docker run --init`: a process
# with a blocked event loop kills itself, which the first process of a container cannot do
# (containers/watchdog.ts).
ENTRYPOINT ["node"]
CMD ["containers/ingest.ts"]
