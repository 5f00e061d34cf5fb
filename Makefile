# For developers and packagers; LuaRocks builds from rockspec/ without it.
#
#   make            build for Lua 5.4 and LuaJIT            make demo     see it work, offline
#   make test       install what is missing, run every spec  make lint     style and layering
#   make asan       the specs under ASan and UBSan           make bench    beside its peers
#   make install    PREFIX=/usr/local                        make docs     docs/api

PREFIX ?= /usr/local
CC ?= gcc
CFLAGS ?= -O2 -g
LUAS ?= lua5.4 luajit
SAN ?=

BUILD := build$(if $(SAN),/$(SAN))
SAN_FLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_FLAGS_tsan := -fsanitize=thread -fno-omit-frame-pointer
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes $(if $(CI),-Werror)
HARDENING := -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
FLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -fPIC -pthread -fvisibility=hidden $(HARDENING) \
  $(WARNINGS) $(CFLAGS) $(SAN_FLAGS_$(SAN))
LINK := -pthread -Wl,-z,relro,-z,now,-z,defs $(SAN_FLAGS_$(SAN))
LIBRARIES := $(shell curl-config --libs 2>/dev/null || echo -lcurl) -lisal -lzstd -lm

# the wings know no Lua and are compiled once; the skins once for each Lua
SKINS := src/core.c src/skin.c $(wildcard src/lua_*.c)
WINGS := $(filter-out $(SKINS),$(wildcard src/*.c src/*/*.c))
WING_OBJECTS := $(WINGS:src/%.c=$(BUILD)/wings/%.o)
MODULES := $(foreach lua,$(LUAS),$(BUILD)/$(lua)/xcompliance/core.so)

.PHONY: all
all: $(MODULES)

$(BUILD)/wings/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

define LUA_RULES
$$(BUILD)/$(1)/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(FLAGS) $$(shell pkg-config --cflags $(1)) -MMD -MP -c -o $$@ $$<

$$(BUILD)/$(1)/xcompliance/core.so: $(SKINS:src/%.c=$$(BUILD)/$(1)/%.o) $$(WING_OBJECTS)
	@mkdir -p $$(@D)
	$$(CC) -shared $$(subst $$(comma)-z$$(comma)defs,,$$(LINK)) -o $$@ $$^ $$(LIBRARIES)
endef
comma := ,
$(foreach lua,$(LUAS),$(eval $(call LUA_RULES,$(lua))))

# the C wings' own tests: spec/c/NAME_test.c, each a program that knows no Lua
C_TESTS := $(patsubst spec/c/%_test.c,$(BUILD)/spec/%_test,$(wildcard spec/c/*_test.c))

$(BUILD)/spec/%_test: spec/c/%_test.c $(WING_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -MF $@.d -o $@ $< $(WING_OBJECTS) $(LINK) $(LIBRARIES)

.PHONY: c-tests
c-tests: $(C_TESTS)

.PHONY: clean
clean:
	rm -rf build docs/api

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
