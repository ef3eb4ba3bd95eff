/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Integer arithmetic: BPF has neither floating point nor a library. Roots are found bit by bit. */
#ifndef SLUICE_PURE_INTEGER_H
#define SLUICE_PURE_INTEGER_H

#include <linux/types.h>

/*
 * Weak, so that clang does not inline the function, and the verifier checks it once, for any
 * argument. If inlined, its loop is checked on every path that leads to it, and the program is
 * rejected as too complex.
 */
#define INTEGER_APART __attribute__((weak))

static inline __u32 integer_lesser(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

static inline __u32 integer_greater(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

/* The greatest number below 2^24 whose square is not above `value`. */
INTEGER_APART __u32 integer_root(__u64 value)
{
	__u64 root = 0;

	for (__u64 bit = 1 << 23; bit; bit >>= 1) {
		__u64 trial = root | bit;

		if (trial * trial <= value)
			root = trial;
	}
	return (__u32)root;
}

/* The greatest number below 2^20 whose cube is not above `value`. */
INTEGER_APART __u32 integer_cube_root(__u64 value)
{
	__u64 root = 0;

	for (__u64 bit = 1 << 19; bit; bit >>= 1) {
		__u64 trial = root | bit;

		if (trial * trial * trial <= value)
			root = trial;
	}
	return (__u32)root;
}

#endif
