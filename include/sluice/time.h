/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Units of time, for the programs and for user space. */
#ifndef SLUICE_TIME_H
#define SLUICE_TIME_H

#define SLUICE_NS_PER_US 1000ull
#define SLUICE_NS_PER_MS 1000000ull
#define SLUICE_NS_PER_SEC 1000000000ull
#define SLUICE_US_PER_SEC 1000000ull

#endif
