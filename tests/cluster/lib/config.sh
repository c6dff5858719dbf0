# The node's configuration files, each a pure function of its arguments; a test reads what they print.
# shellcheck shell=bash

# kubelet_config v1|v2 CGROUP
kubelet_config() {
  cat <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  x509: {clientCAFile: $INSIDE/pki/ca.crt}
  webhook: {enabled: true}
  anonymous: {enabled: false}
authorization: {mode: Webhook}
tlsCertFile: $INSIDE/pki/kubelet.crt
tlsPrivateKeyFile: $INSIDE/pki/kubelet.key
address: $NODE_IP
clusterDomain: cluster.local
clusterDNS: [$DNS_SERVICE_IP]
resolvConf: ""
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
volumePluginDir: /var/lib/kubelet/volume-plugins
cgroupDriver: cgroupfs
cgroupRoot: /$2
failSwapOn: false
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: 100Mi}
imageGCHighThresholdPercent: 100
maxPods: 250
nodeStatusUpdateFrequency: 4s
Y
  [ "$1" = v2 ] || echo "failCgroupV1: false"
}

# containerd_config SNAPSHOTTER RESTRICT_OOM. RESTRICT_OOM is true where CAP_SYS_RESOURCE is missing:
# without it runc dies when the pause container asks for a lower oom_score_adj.
containerd_config() {
  cat <<Y
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE"
  disable_apparmor = true
  restrict_oom_score_adj = $2
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$INSIDE/cni"
Y
}

# Point-to-point links, not a bridge: answers within one subnet would bypass the node's address
# translation, and the module that sends bridged packets through it need not be there.
cni_config() {
  cat <<Y
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$POD_CIDR"}]],
            "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/var/lib/cni/networks"}}]}
Y
}

# conntrack: 0 leaves the kernel's own limits alone.
proxy_config() {
  cat <<Y
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: $POD_CIDR
clientConnection: {kubeconfig: $INSIDE/pki/proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nftables: {minSyncPeriod: 50ms, syncPeriod: 30s}
Y
}

coredns_config() {
  cat <<Y
.:53 {
  bind $NODE_IP
  errors
  ready $NODE_IP:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $INSIDE/pki/coredns.kubeconfig
  }
  cache 5
}
Y
}

write_configs() { # DIR VERSION CGROUP SNAPSHOTTER RESTRICT_OOM
  mkdir -p "$1/cni"
  kubelet_config "$2" "$3" >"$1/kubelet.yaml"
  containerd_config "$4" "$5" >"$1/containerd.toml"
  cni_config >"$1/cni/pods.conflist"
  proxy_config >"$1/proxy.yaml"
  coredns_config >"$1/Corefile"
}
