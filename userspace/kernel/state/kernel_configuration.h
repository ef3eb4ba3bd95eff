// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration of an instance in the kernel: its pinned maps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/ports/configuration_store.h"
#include "kernel/system/map.h"
#include "sluice/departure.h"
#include "sluice/instance.h"
#include "sluice/policy.h"
#include "sluice/service.h"

namespace sluice {

class KernelConfiguration final : public ConfigurationStore {
 public:
  static Result<KernelConfiguration> open(const std::string& directory);

  [[nodiscard]] const sluice_instance& root() const { return root_; }
  // Of the types that the instance's maps have.
  [[nodiscard]] uint32_t btf_id() const { return instance_.btf_id(); }
  [[nodiscard]] Capacities capacities() const override { return capacities_; }
  Result<std::vector<Service>> services() override;
  Result<std::optional<Service>> service_with_name(const std::string& name) override;
  Result<std::vector<Backend>> backends() override;
  Result<std::vector<Backend>> backends_of(uint32_t service) override;
  Result<std::vector<std::pair<uint32_t, Policy>>> policies() override;
  Result<std::vector<Filter>> filters() override;
  Result<std::vector<ClientWeight>> client_weights() override;
  Result<void> write_all(const Writes& writes) override;
  Result<void> erase_service(const Service& service) override;
  Result<void> erase_backend(const Backend& backend) override;
  Result<void> erase_filters(const std::vector<Filter>& filters) override;
  Result<void> put_journal(const Writes& writes) override;
  Result<std::optional<Writes>> journal() override;
  Result<void> erase_journal() override;
  Result<uint32_t> pending() override;
  Result<void> set_pending(uint32_t service) override;

 private:
  Result<std::vector<Backend>> read_backends(std::optional<uint32_t> service);
  Result<void> write_policy(uint32_t service, const Policy& policy);
  Result<void> write_weight(const ClientWeight& weight);

  std::string directory_;
  sluice_instance root_{};
  Capacities capacities_;
  Map<uint32_t, sluice_instance> instance_;
  Map<uint32_t, sluice_service_config> service_configs_;
  Map<uint32_t, sluice_backend_config> backend_configs_;
  Map<uint32_t, sluice_policy> policies_;
  Map<uint32_t, sluice_share> shares_;
  Map<sluice_filter_key, uint32_t> source_filters_;
  Map<sluice_filter_key, uint32_t> client_weights_;
};

}  // namespace sluice
