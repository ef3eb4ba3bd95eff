// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Conversions between the model and the structs of include/sluice. Pure.
#pragma once

#include "control/ports/packet_path.h"
#include "model/policy.h"
#include "model/service.h"
#include "sluice/policy.h"
#include "sluice/service.h"

namespace sluice {

[[nodiscard]] sluice_service_config service_record(const Service& service);
[[nodiscard]] Service service_from(const sluice_service_config& config);
[[nodiscard]] sluice_backend_config backend_record(const Backend& backend);
[[nodiscard]] Backend backend_from(uint32_t number, const sluice_backend_config& config);
[[nodiscard]] sluice_policy policy_record(const Policy& policy);
[[nodiscard]] Policy policy_from(const sluice_policy& record);
[[nodiscard]] sluice_filter_key filter_key(const Filter& filter);
[[nodiscard]] uint32_t filter_record(const Filter& filter);
[[nodiscard]] Filter filter_from(const sluice_filter_key& key, uint32_t record);
// Filters and client weights have the same kind of key: a client prefix in a service.
[[nodiscard]] sluice_filter_key client_weight_key(const ClientWeight& weight);
[[nodiscard]] ClientWeight client_weight_from(const sluice_filter_key& key, uint32_t weight);
[[nodiscard]] sluice_service_entry table_record(const TableEntry& entry);
[[nodiscard]] sluice_prefix_key prefix_key(const Endpoint& endpoint);

// Record of the packet path, with the outer header except for the fields that depend on the packet.
[[nodiscard]] sluice_backend path_record(const Service& service, const Backend& backend,
                                         const Address& source);

}  // namespace sluice
