#include "controllers/world/opt_in.h"

#include "injectors/protocol/names.h"

namespace chaos {
namespace {

std::optional<Refusal> CheckTier(const Namespace& ns, protocol::Tier tier,
                                 const std::string& asks) {
  const auto label = ns.meta.labels.find(std::string(protocol::kMaxTierLabel));
  const std::string& name = ns.meta.key.name;
  if (label == ns.meta.labels.end()) {
    return Refusal{"NamespaceNotOptedIn",
                   "namespace " + name + " has not opted in to chaos: kubectl label namespace " +
                       name + " " + std::string(protocol::kMaxTierLabel) + "=" +
                       std::string(protocol::Name(tier)),
                   true};
  }
  const std::optional<protocol::Tier> cap = protocol::TierFromName(label->second);
  if (!cap || tier > *cap) {
    return Refusal{"NamespaceTier",
                   asks + " is above what namespace " + name + " allows (label " +
                       std::string(protocol::kMaxTierLabel) + "=" + label->second + ")",
                   true};
  }
  return std::nullopt;
}

}  // namespace

std::string NotBoundText(const std::string& ns, const std::string& operator_namespace) {
  return "the operator may not see pods in namespace " + ns +
         ": kubectl create rolebinding chaos-operator-target -n " + ns +
         " --clusterrole=chaos-operator-target --serviceaccount=" + operator_namespace +
         ":chaos-operator";
}

std::optional<Refusal> MayActIn(const std::string& name, const Namespace* ns, const Stop* stop,
                                const std::string& operator_namespace, protocol::Tier tier,
                                const std::string& asks) {
  if (stop != nullptr) {
    return Refusal{"StopEngaged",
                   "ChaosStop " + stop->meta.key.name +
                       " is there: nothing starts until it is deleted" +
                       (stop->reason.empty() ? "" : " (" + stop->reason + ")"),
                   true};
  }
  if (name == "kube-system" || name == operator_namespace)
    return Refusal{"ProtectedNamespace", "nothing in namespace " + name + " is ever hit", false};
  if (ns == nullptr)
    return Refusal{"NamespaceUnknown", "namespace " + name + " has not been seen yet", true};
  if (ns->terminating)
    return Refusal{"NamespaceTerminating", "namespace " + name + " is being deleted", false};
  return CheckTier(*ns, tier, asks);
}

}  // namespace chaos
