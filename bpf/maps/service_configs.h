/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration of services, by number. Programs read the options of a service in it. An array,
 * as `backend_configs`, because a command reads all entries by mapping it.
 */
#ifndef SLUICE_MAPS_SERVICE_CONFIGS_H
#define SLUICE_MAPS_SERVICE_CONFIGS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_service_config);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_configs SEC(".maps");

static __always_inline const struct sluice_service_config *service_config_find(__u32 service)
{
	return bpf_map_lookup_elem(&service_configs, &service);
}

#endif
