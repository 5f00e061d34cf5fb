std = "min"
max_line_length = 100
exclude_files = { "build" }
files["spec"] = { std = "+busted" }
files["types"] = { ignore = { "111", "112", "113", "121", "122", "131", "211", "212", "241" } }
files["lua/xcompliance/loop/nginx.lua"] = { std = "+ngx_lua" }
files["examples/openresty"] = { std = "+ngx_lua" }
files["examples/gate"] = { std = "+ngx_lua" }
files["lua/xcompliance/simulator"] = { std = "lua54" } -- Lua 5.4 alone runs it
files["spec/support/simulator_process.lua"] = { std = "lua54" }
