# All images of the chaos operator, compiled from source. Targets: operator, injector, load, rbee-sim.
# Each holds one binary and the libraries that it loads: no shell, no package manager, no root.
#   docker build --target operator --tag rbee.dev/chaos-operator:dev .
# Tests make the same images from binaries that are built already: tests/images/images.py reads this file.

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends \
    binutils cmake g++ libboost-dev libboost-system-dev libcli11-dev libcpprest-dev \
    libspdlog-dev libssl-dev libyaml-cpp-dev ninja-build nlohmann-json3-dev pkg-config prometheus-cpp-dev \
    libbenchmark-dev libgtest-dev libgmock-dev python3 zlib1g-dev
WORKDIR /source
COPY . .
RUN cmake --preset release && cmake --build --preset release --target chaos-operator chaos-injector chaos-load rbee-sim
RUN tests/images/rootfs.py build/release/operator/chaos-operator /image/operator && \
    tests/images/rootfs.py build/release/injectors/agent/chaos-injector /image/injector && \
    tests/images/rootfs.py build/release/injectors/load/chaos-load /image/load && \
    tests/images/rootfs.py build/release/tests/rbee-sim/rbee-sim /image/rbee-sim

FROM scratch AS operator
COPY --from=build /image/operator /
USER 65532:65532
ENTRYPOINT ["/usr/bin/chaos-operator"]

FROM scratch AS injector
COPY --from=build /image/injector /
USER 65532:65532
ENTRYPOINT ["/usr/bin/chaos-injector"]

FROM scratch AS load
COPY --from=build /image/load /
USER 65532:65532
ENTRYPOINT ["/usr/bin/chaos-load"]

FROM scratch AS rbee-sim
COPY --from=build /image/rbee-sim /
USER 65532:65532
ENTRYPOINT ["/usr/bin/rbee-sim"]
