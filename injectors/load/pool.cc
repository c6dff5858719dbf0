#include "injectors/load/pool.h"

#include "injectors/load/arrival_pool.h"
#include "injectors/load/iteration_pool.h"
#include "injectors/load/vu_pool.h"

namespace chaos::load {

std::unique_ptr<Pool> MakePool(const protocol::Executor& executor, int pods, int pod) {
  if (executor.HasRate()) return std::make_unique<ArrivalPool>(executor, pods, pod);
  if (executor.DealsIterations()) return std::make_unique<IterationPool>(executor, pods, pod);
  return std::make_unique<VuPool>(executor, pods, pod);
}

}  // namespace chaos::load
