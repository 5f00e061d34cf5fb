--- stub
local M = {}
local Board = {} Board.__index = Board
function M.new() return setmetatable({fired={}}, Board) end
function Board:take() end
function Board:arm() end
function Board:disarm() end
function Board:list() return {} end
return M
