-- One request, again and again: arguments are method, body, API key. Prints what came back.
local answers, failures = 0, 0

function init(arguments)
  wrk.method = arguments[1]
  if arguments[2] ~= "" then
    wrk.body = arguments[2]
    wrk.headers["Content-Type"] = "application/json"
  end
  if arguments[3] ~= "" then wrk.headers["Authorization"] = "Bearer " .. arguments[3] end
end

local threads = {}

function setup(thread)
  thread:set("failures", 0)
  table.insert(threads, thread)
end

function response(status)
  if status ~= 200 then failures = (failures or 0) + 1 end
end

function done(summary)
  for _, thread in ipairs(threads) do failures = failures + (thread:get("failures") or 0) end
  local errors = summary.errors
  failures = failures + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("answers=%d failures=%d seconds=%.3f\n", summary.requests, failures, summary.duration / 1e6))
end
