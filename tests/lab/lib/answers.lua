-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
-- For wrk: counts answers per server (by the name in the body) and failures; prints one JSON object
-- at the end. A failed request is an answer with another status than 200 or a socket error.
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  answers = { 0, 0, 0 }
  failed = 0
end

function response(status, headers, body)
  local index = tonumber(string.match(body, "^server(%d)"))
  if status == 200 and index then
    answers[index] = answers[index] + 1
  else
    failed = failed + 1
  end
  -- done() can read single values of a thread, no tables.
  server1, server2, server3 = answers[1], answers[2], answers[3]
end

function done(summary, latency, requests)
  local sums, failures = { server1 = 0, server2 = 0, server3 = 0 }, 0
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do sums[name] = sums[name] + (thread:get(name) or 0) end
    failures = failures + (thread:get("failed") or 0)
  end
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "failed": %d, "errors": {"connect": %d, "read": %d, "write": %d, ' ..
    '"timeout": %d, "status": %d, "body": %d}, "p99_us": %d, ' ..
    '"servers": {"server1": %d, "server2": %d, "server3": %d}}\n',
    summary.requests, e.connect + e.read + e.write + e.timeout + failures,
    e.connect, e.read, e.write, e.timeout, e.status, failures, latency:percentile(99),
    sums.server1, sums.server2, sums.server3))
end
