--- The name of the Lua that runs this: the command, and the folder of its build.
return rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d%.%d"
