-- Takes uses of one quota: the generic cell rate algorithm, as app.draw_quotas has it in Postgres. Microseconds, by Redis' own clock.
-- KEYS: who is counted. ARGV: how many uses are wanted, how many there are, in how long they all come back.
-- Answers how many are granted, and in how long all are there again.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, quota, period = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local one = math.max(1, math.floor(period / quota))
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0) or 0)
local granted = math.max(0, math.min(wanted, math.floor((now + quota * one - full_at) / one)))
if granted > 0 then
    full_at = full_at + granted * one
    -- A number turned into text by itself would lose its last digits. A key that says nothing any more goes by itself.
    redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', math.ceil((full_at - now) / 1000)))
end
return { granted, full_at - now }
