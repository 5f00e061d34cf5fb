-- a release: the same commit makes the same bytes, its bill of materials names what is needed, and
-- who follows docs/security.md notices any change of it; promise 35

local cjson = require "cjson"
local simulator = require "spec.support.simulator"

local quote, shell = simulator.quote, simulator.shell

local is_jit = rawget(_G, "jit") ~= nil

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  assert(file:close())
end

--- The commands that docs/security.md gives to those who download a release.
local function verification()
  return assert(read("docs/security.md"):match("\n```sh\n(gpg %-%-verify.-)```"), "no commands")
end

describe("a release", function()
  if is_jit then return it("is made by Lua 5.4", function() pending("Lua 5.4 has shown it") end) end
  if not shell("git rev-parse HEAD 2>/dev/null") then
    return it("is made of a commit", function() pending("this is not a clone") end)
  end

  local folder, releases

  --- Runs a command with the key of this spec; fails if it does.
  local function run(command, place)
    local output, status = simulator.run(
      ("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u CI GNUPGHOME=%s %s 2>&1")
        :format(quote(place or folder), quote(folder .. "/keys"), command))
    assert.equal(0, status, output)
    return output
  end

  setup(function()
    folder = assert(shell("mktemp -d")):gsub("%s+$", "")
    local here = assert(shell("pwd")):gsub("%s+$", "")
    run("sh -c 'mkdir -m 700 keys && gpg -q --batch --passphrase \"\""
      .. " --quick-generate-key release@example.invalid default default never'")
    for _, name in ipairs { "a", "another/place" } do
      run(("git clone -q %s %s"):format(quote(here), name))
    end
    run("make -s release INSTALL=no", folder .. "/a")
    run("env TZ=Asia/Kolkata LC_ALL=tr_TR.UTF-8 sh -c 'umask 077 && git config tar.umask user &&"
      .. " make -s release INSTALL=no'", folder .. "/another/place")
    releases = { folder .. "/a/build/release", folder .. "/another/place/build/release" }
  end)

  teardown(function()
    simulator.run("GNUPGHOME=" .. quote(folder .. "/keys") .. " gpgconf --kill all")
    simulator.run("rm -rf " .. quote(folder))
  end)

  local function path_of(pattern)
    return assert(shell(("ls %s/%s"):format(releases[1], pattern))):gsub("%s+$", "")
  end

  it("is the same to the byte, in another folder, with other settings", function()
    assert.equal(read(releases[1] .. "/SHA256SUMS"), read(releases[2] .. "/SHA256SUMS"))
    run("sha256sum -c --quiet SHA256SUMS", releases[1])
    run("sha256sum -c --quiet SHA256SUMS", releases[2])
    local names = run("ls", releases[1])
    for _, ending in ipairs { ".tar.gz", ".rockspec", ".spdx.json", "SHA256SUMS", ".asc" } do
      assert.matches(ending .. "\n", names, 1, true)
    end
  end)

  it("holds the commit's files, and no other", function()
    local files = {}
    for name in run("tar tzf " .. path_of("*.tar.gz")):gmatch("[^\n]+") do
      if not name:find("/$") then files[#files + 1] = name:match("^xcompliance%-[^/]+/(.+)$") end
    end
    table.sort(files)
    assert.equal(run("git ls-tree -r --name-only HEAD | LC_ALL=C sort", folder .. "/a"),
      table.concat(files, "\n") .. "\n")
  end)

  it("has a bill of materials as SPDX 2.3 wants it, which names all that is linked", function()
    local document = cjson.decode(read(path_of("*.spdx.json")))
    assert.equal("SPDX-2.3", document.spdxVersion)
    assert.equal("CC0-1.0", document.dataLicense)
    assert.equal("SPDXRef-DOCUMENT", document.SPDXID)
    assert.matches("^https://[^#]+$", document.documentNamespace)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", document.creationInfo.created)
    local ids, named = { [document.SPDXID] = true }, {}
    for _, package in ipairs(document.packages) do
      assert.matches("^SPDXRef%-[%w.-]+$", package.SPDXID)
      assert.is_nil(ids[package.SPDXID])
      ids[package.SPDXID] = true
      assert.is_true(#package.name > 0 and #package.downloadLocation > 0)
      named[package.name:lower():gsub("%W", "")] = package
    end
    for _, relationship in ipairs(document.relationships) do
      assert.is_true(ids[relationship.spdxElementId] and ids[relationship.relatedSpdxElement])
    end
    local archive = path_of("*.tar.gz")
    assert.equal(run("sha256sum < " .. archive):match("%x+"),
      named.xcompliance.checksums[1].checksumValue)
    local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
    local needed = assert(shell("readelf -d " .. build .. "/lua5.4/xcompliance/core.so"))
    for name in needed:gmatch("Shared library: %[(%w+)%.") do
      local of_system = name == "libc" or name == "libm" or name:find("^ld") or name:find("san$")
      assert.is_true(of_system or named[name == "libisal" and "isal" or name] ~= nil, name)
    end
  end)

  it("is verified by the commands of docs/security.md, which notice a changed byte", function()
    write(folder .. "/verify", "set -e\n" .. verification())
    local function verify()
      return select(2, simulator.run(("cd %s && GNUPGHOME=%s LC_ALL=C sh %s 2>&1"):format(
        quote(releases[1]), quote(folder .. "/keys"), quote(folder .. "/verify"))))
    end
    assert.equal(0, verify())
    for _, pattern in ipairs { "*.tar.gz", "*.rockspec", "*.spdx.json", "SHA256SUMS" } do
      local path = path_of(pattern)
      local text = read(path)
      local at = math.floor(#text / 2)
      write(path, text:sub(1, at) .. string.char((text:byte(at + 1) + 1) % 256) .. text:sub(at + 2))
      assert.is_not.equal(0, verify(), pattern)
      write(path, text)
    end
    assert.equal(0, verify())
  end)
end)
