/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The mark of a health check's socket, which names the backend for bpf/probe.bpf.c:
 * SLUICE_PROBE_MARK | the backend's number.
 */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include <linux/types.h>

#define SLUICE_PROBE_MARK 0x51c00000u
#define SLUICE_PROBE_BACKEND 0x000fffffu /* larger numbers are probed without a mark */

/* Checks at the same time, in all states. Map `probes`. */
#define SLUICE_PROBES_MAX 16384

#endif
