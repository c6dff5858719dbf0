#include "injectors/agent/resolv_conf.h"

#include <gmock/gmock.h>

namespace chaos::inject {
namespace {

TEST(ResolvConf, NamesEveryServerAndNothingElse) {
  EXPECT_THAT(
      Nameservers("search rbee.svc.cluster.local\nnameserver 10.96.0.10\n# nameserver 1.1.1.1\n"
                  "nameserver fe80::1%eth0\noptions ndots:5\nnameserver\n"),
      testing::ElementsAre("10.96.0.10", "fe80::1"));
}

TEST(ResolvConf, TellsTheDomainOfTheCluster) {
  EXPECT_EQ(ClusterDomain("search rbee.svc.k8s.example svc.k8s.example. k8s.example\n"),
            "k8s.example");
  EXPECT_EQ(ClusterDomain("search example.org\nnameserver 10.96.0.10\n"), "cluster.local");
  EXPECT_EQ(ClusterDomain(""), "cluster.local");
}

}  // namespace
}  // namespace chaos::inject
