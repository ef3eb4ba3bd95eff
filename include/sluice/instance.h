/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The root of an instance: map `instance`, one element. It says which layout the other maps have,
 * the secret of its hashes, and whether a command was cut off in the middle of a change.
 */
#ifndef SLUICE_INSTANCE_H
#define SLUICE_INSTANCE_H

#include <linux/types.h>

#define SLUICE_SEED_WORDS 12
#define SLUICE_VERSION_LENGTH 32

/*
 * Keys of the multilinear hashes (pure/hash.h). Secret: who knows them can aim at a backend.
 * Directors of a fleet share them, so that each picks the same backend for the same flow.
 */
struct sluice_seed {
	__u64 words[SLUICE_SEED_WORDS];
};

struct sluice_instance {
	__u32 schema; /* SLUICE_SCHEMA_VERSION */
	/*
	 * 0, or: the configuration of this service (or, at SLUICE_PENDING_ALL, of any) may be ahead
	 * of what the packet path reads, and whoever takes the lock next brings it up to date
	 * first. At SLUICE_PENDING_JOURNAL what map `journal` holds is to be written into the
	 * configuration before that; where there is none, all of it was carried out.
	 */
	__u32 pending;
	struct sluice_seed seed;
	__u64 punt_mac; /* the secret source MAC by which `punt` knows its packets */
};

/*
 * Which sluice loaded the programs of an instance: map `release`, one element, pinned beside them.
 * Another one's are put in their place by `sluice instance upgrade`.
 */
struct sluice_release {
	char version[SLUICE_VERSION_LENGTH]; /* as sluice --version says it, with the NUL */
	__u64 fingerprint;		     /* of all BPF objects (Makefile.bpf) */
};

#define SLUICE_PENDING_ALL 0xffffffffu
#define SLUICE_PENDING_JOURNAL 0xfffffffeu

#endif
