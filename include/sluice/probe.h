/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How a health check tells the kernel which backend it is for (bpf/probe.bpf.c): by the mark of its
 * socket, SLUICE_PROBE_MARK and the backend's number.
 */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include <linux/types.h>

#define SLUICE_PROBE_MARK 0x51c00000u
#define SLUICE_PROBE_BACKEND 0x000fffffu /* of the mark: the number; larger ones have no mark */

/* Checks that are under way at once, in all states. Map `probes`. */
#define SLUICE_PROBES_MAX 16384

#endif
