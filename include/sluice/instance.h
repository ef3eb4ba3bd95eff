/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The root of an instance: map `instance`, one element. It holds the layout version of the other
 * maps, the secrets of the instance, and whether a change is unfinished.
 */
#ifndef SLUICE_INSTANCE_H
#define SLUICE_INSTANCE_H

#include <linux/types.h>

#define SLUICE_SEED_WORDS 12
#define SLUICE_VERSION_LENGTH 32

/*
 * Keys of the multilinear hashes (bpf/pure/hash.h). Secret: with them a client could direct its
 * flows to one backend. The directors of a fleet share them, so that each picks the same backend
 * for a flow.
 */
struct sluice_seed {
	__u64 words[SLUICE_SEED_WORDS];
};

struct sluice_instance {
	__u32 schema; /* SLUICE_SCHEMA_VERSION */
	/*
	 * 0: no change is unfinished. A service number, or SLUICE_PENDING_ALL: the configuration of
	 * that service, or of any, may be ahead of the maps that are derived from it; the next
	 * command that takes the lock derives them first. SLUICE_PENDING_JOURNAL: before that, it
	 * applies map `journal` to the configuration; no such map: all of it was applied.
	 */
	__u32 pending;
	struct sluice_seed seed;
	__u64 punt_mac; /* the secret source MAC that marks punted packets */
};

/*
 * The build that loaded the programs of an instance: map `release`, one element, pinned beside the
 * programs. `sluice instance upgrade` replaces programs and map.
 */
struct sluice_release {
	char version[SLUICE_VERSION_LENGTH]; /* as in sluice --version, with the NUL */
	__u64 fingerprint;		     /* of all BPF objects (Makefile.bpf) */
};

#define SLUICE_PENDING_ALL 0xffffffffu
#define SLUICE_PENDING_JOURNAL 0xfffffffeu

#endif
