// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Appends fields to packets in network byte order.
#pragma once

#include "packets.h"

namespace sluice::packets {

inline void put8(Bytes& out, uint32_t value) {
  out.push_back(static_cast<uint8_t>(value));
}
inline void put16(Bytes& out, uint32_t value) {
  put8(out, value >> 8);
  put8(out, value);
}
inline void put32(Bytes& out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value);
}
inline void put(Bytes& out, const Bytes& bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void pad(Bytes& out, size_t unit) {
  out.resize((out.size() + unit - 1) / unit * unit);
}

}  // namespace sluice::packets
