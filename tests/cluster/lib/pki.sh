# Certificates of one cluster, made anew for each: nothing outside the state directory trusts them.
# shellcheck shell=bash

pki_make() { # DIR
  local dir=$1
  mkdir -p "$dir"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=rbee-chaos-test \
    -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
  pki_certificate "$dir" apiserver /CN=kube-apiserver \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:$NODE_IP,IP:$API_SERVICE_IP"
  pki_certificate "$dir" kubelet "/O=system:nodes/CN=system:node:$NODE_NAME" "DNS:$NODE_NAME,IP:$NODE_IP"
  pki_certificate "$dir" admin /O=system:masters/CN=admin
  pki_certificate "$dir" controller-manager /CN=system:kube-controller-manager
  pki_certificate "$dir" scheduler /CN=system:kube-scheduler
  pki_certificate "$dir" proxy /CN=system:kube-proxy
  pki_certificate "$dir" coredns /CN=system:coredns
  openssl ecparam -name prime256v1 -genkey -noout -out "$dir/sa.key"
  openssl ec -in "$dir/sa.key" -pubout -out "$dir/sa.pub" 2>/dev/null
  local user
  for user in kubelet admin controller-manager scheduler proxy coredns; do
    pki_kubeconfig "$dir" "$user" >"$dir/$user.kubeconfig"
  done
  chmod -R go= "$dir"
}

pki_certificate() { # DIR NAME SUBJECT [ALTERNATIVE NAMES]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" -keyout "$1/$2.key" -out "$1/$2.csr" 2>/dev/null
  openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 -out "$1/$2.crt" \
    -extfile <(printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${4:+subjectAltName=$4}") 2>/dev/null
  rm "$1/$2.csr"
}

# Everything inside, so that it can be copied and works from any directory.
pki_kubeconfig() { # DIR USER
  local data=(base64 -w 0)
  cat <<Y
apiVersion: v1
kind: Config
clusters:
- name: rbee-chaos-test
  cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $("${data[@]}" "$1/ca.crt")}
users:
- name: $2
  user: {client-certificate-data: $("${data[@]}" "$1/$2.crt"), client-key-data: $("${data[@]}" "$1/$2.key")}
contexts:
- name: rbee-chaos-test
  context: {cluster: rbee-chaos-test, user: $2}
current-context: rbee-chaos-test
Y
}
