# For developers and packagers; LuaRocks builds from rockspec/ without it.
#
#   make            build for Lua 5.4 and LuaJIT, those that are installed (LUAS=lua5.4: only that)
#   make test       install what is missing, run every spec  make lint     style, layers, language
#                   SPECS=spec/retry_spec.lua LUAS=lua5.4: that spec alone, under that Lua
#                   INSTALL=no: install nothing, and stop if a package is missing
#   make asan       the specs under ASan and UBSan           make bench    beside its peers
#   make asan-clang, tsan, valgrind, analyze, fuzz, fuzz-afl the same code, checked in other ways
#   make locale     the specs in another locale and time zone
#   make install    PREFIX=/usr/local DESTDIR=               make docs     docs/api
#   make uninstall  what install has put there               make deb      a Debian package (deb-test)
#   make faults     the fault matrix, row by row             make soak     500 checks, random faults
#   make sweep      answers cut at every byte                make large    13,000,000 ids, killed
#   make waits      100,000 waits that end at random         make screenshots  the report, by Chromium
#   make cluster    parts on Slurm, and by GNU parallel      make mutants   does a test notice a change?
#   make failing    every system call of a command fails
#   make rockspec   after a file is added or removed         make dist     the source archive
#   make demo       see it work, offline                     make clean
# CONTRIBUTING.md says more.

VERSION := $(shell sed -n 's/^\#define XCOMPLIANCE_VERSION "\(.*\)"/\1/p' src/lua/core.c)
PREFIX ?= /usr/local
CC ?= gcc
CFLAGS ?= -O2 -g
# the Luas whose headers are installed; asked again after packages have been
LUAS ?= $(shell for lua in lua5.4 luajit; do pkg-config --exists $$lua && echo $$lua; done)
# "yes" installs the packages that are missing; "no" stops
INSTALL ?= yes
SAN ?=

BUILD := build$(if $(SAN),/$(SAN))
SAN_FLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_FLAGS_clang := $(SAN_FLAGS_asan)
SAN_FLAGS_tsan := -fsanitize=thread -fno-omit-frame-pointer
SAN_FLAGS_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
SAN_FLAGS_afl := $(SAN_FLAGS_asan)
# gcc takes what is put into an array for lost; LeakSanitizer knows better
SAN_FLAGS_analyze := -fanalyzer -Wno-analyzer-malloc-leak -Werror
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes $(if $(CI),-Werror)
HARDENING := -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
# the same bytes come out wherever the sources lie
FLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -fPIC -pthread -fvisibility=hidden $(HARDENING) \
  -ffile-prefix-map=$(CURDIR)=. \
  $(WARNINGS) $(CFLAGS) $(SAN_FLAGS_$(SAN))
LINK := -pthread -Wl,-z,relro,-z,now,-z,defs $(SAN_FLAGS_$(SAN))
CURL := $(shell curl-config --libs 2>/dev/null || echo -lcurl)
LIBRARIES := $(CURL) -lisal -lzstd -lbz2 -llzma -larchive -lm

# the wings know no Lua and are compiled once; the skins once for each Lua
SKINS := $(wildcard src/lua/*.c)
WINGS := $(wildcard src/*.c src/http/*.c src/dataset/*/*.c)
WING_OBJECTS := $(WINGS:src/%.c=$(BUILD)/wings/%.o)
MODULES := $(foreach lua,$(LUAS),$(BUILD)/$(lua)/xcompliance/core.so)

.PHONY: all
all: $(MODULES)
	$(if $(strip $(LUAS)),,$(error found neither Lua 5.4 nor LuaJIT - install liblua5.4-dev or \
	  libluajit2-5.1-dev, and pkg-config))
	$(if $(filter 0,$(MAKELEVEL)),@echo "built for $(LUAS): $(MODULES)")

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

$$(BUILD)/$(1)/spec_process.so: spec/c/process.c
	@mkdir -p $$(@D)
	$$(CC) $$(FLAGS) $$(shell pkg-config --cflags $(1)) -shared -o $$@ $$<
endef
comma := ,
$(foreach lua,$(LUAS),$(eval $(call LUA_RULES,$(lua))))

# the C wings' own tests: spec/c/NAME_test.c, each a program that knows no Lua
C_TESTS := $(patsubst spec/c/%_test.c,$(BUILD)/spec/%_test,$(wildcard spec/c/*_test.c))

$(BUILD)/spec/%_test: spec/c/%_test.c $(WING_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -MF $@.d -o $@ $< $(WING_OBJECTS) $(LINK) $(LIBRARIES)

$(BUILD)/spec/memory_host: spec/c/memory_host.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(shell pkg-config --cflags lua5.4) -o $@ $< $(shell pkg-config --libs lua5.4) -rdynamic -pthread

.PHONY: c-tests
c-tests: $(C_TESTS) $(BUILD)/spec/memory_host $(LUAS:%=$(BUILD)/%/spec_process.so)

# {====================================================================
# What is needed, from Debian's packages
# =====================================================================

RUN_PACKAGES := lua5.4 lua-cjson lua-argparse lua-cqueues lua-luaossl
BUILD_PACKAGES := $(RUN_PACKAGES) gcc libc6-dev make pkg-config liblua5.4-dev \
  libcurl4-openssl-dev libisal-dev libzstd-dev libbz2-dev liblzma-dev libarchive-dev
TEST_PACKAGES := $(BUILD_PACKAGES) lua5.1 luajit2 libluajit2-5.1-dev lua-busted lua-luv lua-socket lua-sql-sqlite3 curl nginx \
  libnginx-mod-http-lua openssl zstd gzip bzip2 xz-utils tar zip unzip python3 wrk faketime fiu-utils procps strace locales luarocks tmux lua-penlight sqlite3 postgresql gpg gpg-agent \
  $(if $(filter lua5.3,$(LUAS)),lua5.3 liblua5.3-dev)
CHECK_PACKAGES := $(TEST_PACKAGES) valgrind cppcheck clang clang-tidy libclang-rt-dev
LINT_PACKAGES := clang clang-format lua-check shellcheck
DOCS_PACKAGES := lua5.4 lua-ldoc lua-discount

# installs those of $(1) that are missing, by root or sudo, and says so first
define install_packages
	@missing=$$(dpkg-query -W -f '$${Package} $${db:Status-Status}\n' $(1) 2>/dev/null | \
	  awk -v all="$(1)" '$$2 == "installed" { have[$$1] = 1 } \
	    END { n = split(all, p, " "); for (i = 1; i <= n; i++) if (!have[p[i]]) print p[i] }'); \
	if [ -n "$$missing" ] && [ "$(INSTALL)" = no ]; then \
	  echo "make $@: these packages are missing:" $$missing; exit 1; \
	elif [ -n "$$missing" ]; then \
	  root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  echo "installing by apt-get (INSTALL=no: never):" $$missing; \
	  { $$root apt-get update -q && DEBIAN_FRONTEND=noninteractive \
	    $$root apt-get install -qy --no-install-recommends $$missing; } >build/packages.log 2>&1 \
	    || { cat build/packages.log; exit 1; }; \
	fi
endef

build:
	@mkdir -p build

.PHONY: build-packages test-packages check-packages lint-packages docs-packages
build-packages: | build
	$(call install_packages,$(BUILD_PACKAGES))
test-packages: | build
	$(call install_packages,$(TEST_PACKAGES))
check-packages: | build
	$(call install_packages,$(CHECK_PACKAGES))
lint-packages: | build
	$(call install_packages,$(LINT_PACKAGES))
docs-packages: | build
	$(call install_packages,$(DOCS_PACKAGES))

# }====================================================================

# {====================================================================
# Tests; a second make sees what the first has installed
# =====================================================================

.PHONY: test
test: test-packages
	@$(MAKE) -s all c-tests
	@LUAS="$(LUAS)" spec/run $(SPECS)

.PHONY: stress
stress: test-packages
	@$(MAKE) -s all c-tests
	@XCOMPLIANCE_STRESS=1 LUAS="$(LUAS)" spec/run $(SPECS)

# in a host that has a decimal comma, German names of days, and a time zone of its own
.PHONY: locale
locale: test-packages
	@$(MAKE) -s all c-tests
	@mkdir -p build/locale/de_DE.UTF-8 && localedef -i de_DE -f UTF-8 build/locale/de_DE.UTF-8
	@LOCPATH=$(CURDIR)/build/locale LC_NUMERIC=de_DE.UTF-8 LC_TIME=de_DE.UTF-8 TZ=America/St_Johns \
	  LUA_INIT="assert(os.setlocale('', 'numeric') and os.setlocale('', 'time'))" \
	  LUAS="$(LUAS)" spec/run $(SPECS)

# the fault matrix, row by row: LUA=luajit for the other Lua, SLOW=1 for what takes minutes as well
.PHONY: faults
faults: LUA = lua5.4
faults: test-packages
	@$(MAKE) -s all c-tests
	@LUA=$(LUA) TAGS="$(if $(SLOW),,--exclude-tags=slow)" spec/faults/matrix

# whole checks under faults at random, from a seed on; SOAK_FLOW=api or storage: in that flow alone
SOAK_RUNS ?= 500
SOAK_SEED ?= 1
SOAK_FLOW ?=

# 13,000,000 ids in three jobs, once whole and then killed 30 times: takes minutes
.PHONY: large
large: test-packages
	@$(MAKE) -s all
	@LUA_PATH="lua/?.lua;lua/?/init.lua;?.lua;;" LUA_CPATH="$(BUILD)/lua5.4/?.so;;" \
	  lua5.4 spec/faults/large.lua $(LARGE)

# waits that end at random, under each loop
WAITS ?= 100000

.PHONY: waits
waits: test-packages
	@$(MAKE) -s all
	@export LUA_PATH="lua/?.lua;lua/?/init.lua;?.lua;;"; \
	for lua in $(LUAS); do \
	  echo $$lua; LUA_CPATH="$(BUILD)/$$lua/?.so;;" $$lua spec/faults/waits.lua $(WAITS) || exit 1; \
	done

.PHONY: soak
soak: test-packages
	@$(MAKE) -s all
	@LUA_PATH="lua/?.lua;lua/?/init.lua;?.lua;;" LUA_CPATH="$(BUILD)/lua5.4/?.so;;" \
	  lua5.4 spec/faults/soak.lua $(SOAK_RUNS) $(SOAK_SEED) $(SOAK_FLOW)

# the answer of each kind of exchange cut at every byte (EVERY=97: at every 97th); whole checks, cut
# and killed at random; under each Lua
EVERY ?= 1
KILLS ?= 5000

.PHONY: sweep
sweep: test-packages
	@$(MAKE) -s all c-tests
	@export LUA_PATH="lua/?.lua;lua/?/init.lua;?.lua;;"; \
	for lua in $(LUAS); do \
	  echo $$lua; export LUA_CPATH="$(BUILD)/$$lua/?.so;;"; \
	  $$lua spec/faults/sweep.lua $(EVERY) && $$lua spec/faults/kills.lua $(KILLS) || exit 1; \
	done

# each system call on the files of a command fails once, in each way: FAILURES=100 of them by chance
FAILURES ?= all
.PHONY: failing
failing: test-packages
	@$(MAKE) -s LUAS=lua5.4 all c-tests
	@LUA_PATH="lua/?.lua;lua/?/init.lua;?.lua;;" LUA_CPATH="$(BUILD)/lua5.4/?.so;;" \
	  XCOMPLIANCE_BUILD=$(BUILD) lua5.4 spec/faults/failing_calls.lua $(FAILURES) $(SEED)

# the recipes for many machines, with a Slurm and an sshd of their own
.PHONY: cluster
cluster: test-packages
	$(call install_packages,slurm-wlm munge parallel openssh-server)
	@$(MAKE) -s test SPECS=spec/cluster_spec.lua LUAS=lua5.4

# the C tests and the engine's specs on other machines, emulated: MACHINES=s390x
MACHINES ?= arm64 s390x
.PHONY: port
port: test-packages
	$(call install_packages,debootstrap qemu-user-static gcc-aarch64-linux-gnu gcc-s390x-linux-gnu)
	@spec/port $(MACHINES)

# small changes of the code, in a clone, to see whether a test notices: COUNT=100 SEED=1
COUNT ?= 20
SEED ?= 1
.PHONY: mutants
mutants: test-packages
	@spec/mutants/mutants.py $(COUNT) $(SEED) $(FILES)

# the sanitizers' runtimes must come first in a host that was built without them; a shared object that
# Lua has closed would leave leak reports without names
$(BUILD)/nodlclose.so: spec/c/nodlclose.c
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -o $@ $<

.PHONY: asan
asan: test-packages
	@$(MAKE) -s all # for the command, which specs run as users do
	@$(MAKE) -s SAN=asan all c-tests build/asan/nodlclose.so
	@BUILD=build/asan LUAS="$(LUAS)" ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 \
	  UBSAN_OPTIONS=print_stacktrace=1 \
	  PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so) $(CURDIR)/build/asan/nodlclose.so" \
	  spec/run $(SPECS)

# clang's sanitizers see more than gcc's, such as arithmetic on null pointers; the C tests alone
.PHONY: asan-clang
asan-clang: check-packages
	@$(MAKE) -s SAN=clang CC=clang c-tests
	@for test in build/clang/spec/*_test; do \
	  $$test >build/clang/test.log 2>&1 || { cat build/clang/test.log; exit 1; }; \
	  tail -n 1 build/clang/test.log; \
	done

# the C tests alone: a host that was built without ThreadSanitizer cannot load what was built with it
.PHONY: tsan
tsan: test-packages
	@$(MAKE) -s SAN=tsan c-tests
	@for test in build/tsan/spec/*_test; do echo $$test; TSAN_OPTIONS=halt_on_error=1 $$test || exit 1; done

# what runs the core's files under memcheck; LuaJIT's own reads beyond its strings would be all it says.
# Not reader_test, which packs and unpacks for minutes there
VALGRIND_SPECS ?= spec/url_spec.lua spec/operations_spec.lua spec/file_spec.lua spec/api_spec.lua \
  spec/tls_spec.lua spec/together_spec.lua spec/security
.PHONY: valgrind
valgrind: check-packages
	@$(MAKE) -s all c-tests build/nodlclose.so
	@for test in build/spec/*_test; do \
	  [ $$test != build/spec/reader_test ] || continue; \
	  echo $$test; valgrind -q --error-exitcode=99 --suppressions=spec/valgrind.supp \
	    --soname-synonyms=somalloc=nouserintercepts $$test || exit 1; \
	done
	@LUAS=lua5.4 PRELOAD=$(CURDIR)/build/nodlclose.so \
	  WRAPPER="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --num-callers=20" \
	  spec/run $(VALGRIND_SPECS)

# what it takes for mistakes here: realloc into another variable, arrays that are outputs, arithmetic shifts
CPPCHECK_MISTAKES := missingIncludeSystem memleak ctuuninitvar shiftTooManyBitsSigned \
  identicalInnerCondition
.PHONY: analyze
analyze: check-packages
	@$(MAKE) -s SAN=analyze all
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	  $(CPPCHECK_MISTAKES:%=--suppress=%) -D_GNU_SOURCE -Isrc src
	@echo $(SKINS) $(WINGS) | xargs -n 1 -P $$(nproc) sh -c 'clang-tidy --quiet "$$0" -- \
	  -std=gnu11 -D_GNU_SOURCE -Isrc $$(pkg-config --cflags lua5.4) 2>/dev/null'

# libFuzzer: FUZZERS="url mask" FUZZ_SECONDS=600; what has been found interesting stays in build/fuzz
FUZZERS ?= $(patsubst spec/c/fuzz/%_fuzz.c,%,$(wildcard spec/c/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 30
FUZZ_RUNS ?= 100000000

$(BUILD)/wings.a: $(WING_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%_fuzz: spec/c/fuzz/%_fuzz.c $(BUILD)/wings.a
	$(CC) $(FLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(BUILD)/wings.a $(LINK) $(LIBRARIES)

.PHONY: fuzz
fuzz: check-packages
	@$(MAKE) -s SAN=fuzz CC=clang $(FUZZERS:%=build/fuzz/%_fuzz)
	@for name in $(FUZZERS); do \
	  mkdir -p build/fuzz/$$name; \
	  echo "$$name, at most $(FUZZ_SECONDS) s"; \
	  build/fuzz/$${name}_fuzz -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/ build/fuzz/$$name $$(find spec/c/fuzz/seeds/$$name -maxdepth 0) \
	    >build/fuzz/$$name.log 2>&1 || { tail -n 40 build/fuzz/$$name.log; exit 1; }; \
	  grep number_of_executed_units build/fuzz/$$name.log; \
	done

# the same fuzzers by AFL++, from the same seeds; another run continues the last, in build/afl
AFL := AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 \
  AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 afl-fuzz -t 2000+ -V $(FUZZ_SECONDS)
.PHONY: fuzz-afl
fuzz-afl: check-packages
	$(call install_packages,afl++)
	@$(MAKE) -s SAN=afl CC=afl-clang-fast $(FUZZERS:%=build/afl/%_fuzz)
	@for name in $(FUZZERS); do \
	  echo "$$name, $(FUZZ_SECONDS) s"; \
	  $(AFL) -i spec/c/fuzz/seeds/$$name -o build/afl/$$name build/afl/$${name}_fuzz \
	    >build/afl/$$name.log 2>&1 || { tail -n 40 build/afl/$$name.log; exit 1; }; \
	  grep -E '^(execs_done|saved_(crashes|hangs))' build/afl/$$name/default/fuzzer_stats; \
	  grep -q '^saved_crashes *: 0$$' build/afl/$$name/default/fuzzer_stats || exit 1; \
	done

.PHONY: lint
lint: lint-packages
	clang-format --dry-run -Werror $$(git ls-files 'src/*.[ch]' 'spec/c/*.[ch]')
	luacheck -q $$(git ls-files '*.lua')
	shellcheck $$(git ls-files | xargs -d '\n' awk 'FNR == 1 && /^#!\/bin\/(ba)?sh/ { print FILENAME }')
	spec/layers
	spec/language

.PHONY: docs
docs: docs-packages build-packages
	@$(MAKE) -s LUAS=lua5.4 all
	@mkdir -p build/docs && rm -rf docs/api
	BUILD=$(BUILD) docs/core_reference.lua >build/docs/core.lua
	ldoc --quiet --testing --fatalwarnings .

.PHONY: demo
demo: build-packages
	@$(MAKE) -s LUAS=lua5.4 all
	@examples/demo

# RUNS, SCALE, BENCH, DUCKDB: see benchmarks/extract
.PHONY: bench
bench: build-packages
	@$(MAKE) -s LUAS=lua5.4 all
	@benchmarks/run

# pictures of the report as a page, at the widths of a phone and of a desk, in build/screenshots
.PHONY: screenshots
screenshots: test-packages
	$(call install_packages,chromium)
	@mkdir -p build/screenshots
	@SCREENSHOTS=$(CURDIR)/build/screenshots $(MAKE) -s test SPECS=spec/report_page_spec.lua LUAS=lua5.4

# absolute, since some recipes work in another folder
TARGET = $(abspath $(DESTDIR))

# for each Lua that was built for: LuaJIT looks where Lua 5.1 does. The command runs under the first
define install_for
	install -d $(TARGET)$(PREFIX)/lib/lua/$(2)/xcompliance
	install -m 644 $(BUILD)/$(1)/xcompliance/core.so $(TARGET)$(PREFIX)/lib/lua/$(2)/xcompliance/
	cd lua && find xcompliance -name '*.lua' -exec \
	  install -D -m 644 {} $(TARGET)$(PREFIX)/share/lua/$(2)/{} \;

endef

# completions and manual pages, from the same source as the help
DESCRIPTION := build/describe

.PHONY: describe
describe: all
	@rm -rf $(DESCRIPTION)
	$(firstword $(LUAS)) packaging/describe $(DESCRIPTION) $(BUILD)/$(firstword $(LUAS))

.PHONY: install
install: all describe
	$(foreach lua,$(LUAS),$(call install_for,$(lua),$(patsubst lua%,%,$(lua:luajit=lua5.1))))
	install -d $(TARGET)$(PREFIX)/bin
	sed '1s/lua5.4/$(firstword $(LUAS))/' bin/xcompliance >$(BUILD)/xcompliance
	install -m 755 $(BUILD)/xcompliance $(TARGET)$(PREFIX)/bin/xcompliance
	install -D -m 644 -t $(TARGET)$(PREFIX)/share/man/man1 $(DESCRIPTION)/man1/*
	install -D -m 644 -t $(TARGET)$(PREFIX)/share/bash-completion/completions $(DESCRIPTION)/bash/*
	install -D -m 644 -t $(TARGET)$(PREFIX)/share/zsh/vendor-completions $(DESCRIPTION)/zsh/*
	install -D -m 644 -t $(TARGET)$(PREFIX)/share/fish/vendor_completions.d $(DESCRIPTION)/fish/*

# what an installation of this version puts there, and the folders that are its own
.PHONY: uninstall
uninstall:
	@rm -rf build/uninstall && $(MAKE) -s install DESTDIR=$(CURDIR)/build/uninstall PREFIX=$(PREFIX)
	cd build/uninstall && find . -type f -exec sh -c 'for file; do rm -f "$(TARGET)/$$file"; done' sh {} +
	cd build/uninstall && find . -depth -type d -path '*xcompliance*' \
	  -exec sh -c 'for folder; do rmdir "$(TARGET)/$$folder" 2>/dev/null || true; done' sh {} +

# the Debian package in build; deb-test installs it in a new Debian, which debootstrap makes (root)
.PHONY: deb
deb: all
	packaging/deb $(VERSION)

.PHONY: deb-test
deb-test: deb
	packaging/deb_test build/xcompliance_$(VERSION)_$$(dpkg --print-architecture).deb

# }====================================================================

# {====================================================================
# Releases
# =====================================================================


.PHONY: rockspec
rockspec:
	rockspec/write

# the same commit gives the same bytes: git dates the files by the commit, and gzip writes no date;
# the modes of files are set, since git takes them from the umask's setting
.PHONY: dist
dist: | build
	git -c tar.umask=0022 archive --format=tar --prefix=xcompliance-$(VERSION)/ HEAD | \
	  gzip -9n >build/xcompliance-$(VERSION).tar.gz

# the archive with its bill of materials, checksums and their signature, in build/release: KEY=… of gpg
.PHONY: release
release: dist
	packaging/release $(VERSION)

# }====================================================================

.PHONY: clean
clean:
	rm -rf build docs/api

-include $(shell find $(BUILD) -path $(BUILD)/port -prune -o -name '*.d' -type f -print 2>/dev/null)
