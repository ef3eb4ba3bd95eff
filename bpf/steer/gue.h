/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Generic UDP Encapsulation (draft-ietf-intarea-gue-09): variant 0 has a header of its own behind
 * UDP's, variant 1 none at all. Written by `steer`, read by `decap` and by Linux's fou.
 */
#ifndef SLUICE_STEER_GUE_H
#define SLUICE_STEER_GUE_H

#define GUE_BYTES 4	   /* variant 0, without options */
#define GUE_PROTO_OFFSET 1 /* in it: the inner protocol */

#endif
