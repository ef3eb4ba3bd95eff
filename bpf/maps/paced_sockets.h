/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sockets whose own TCP paces them: written by `sockets`, read by `pace`. Socket storage: the
 * entry is freed with its socket.
 */
#ifndef SLUICE_MAPS_PACED_SOCKETS_H
#define SLUICE_MAPS_PACED_SOCKETS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pace.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sluice_paced_socket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} paced_sockets SEC(".maps");

#endif
