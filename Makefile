# avouch: one Makefile, no configure step.  `make help` lists the targets.

VERSION = 0.1.0
BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=

CC      ?= cc
STD      = -std=c17 -D_GNU_SOURCE -I. -DAVOUCH_VERSION='"$(VERSION)"'
WARN     = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wwrite-strings \
	-Wformat=2 -Wundef -Wvla $(WERROR)
FORTIFY ?= -D_FORTIFY_SOURCE=2
HARDEN   = $(FORTIFY) -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection -fPIE
CFLAGS  ?= -O2 -g
LINKHARD = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
COMPILE  = $(CC) $(STD) $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(INCLUDES) \
	-MMD -MP

# The rooms (lowest first).  report/ is split at the link: the archive gives a
# program only the objects it names, so the daemon never sees XML or ZIP.
ROOMS    = lib mail dns spf dkim dmarc verify report
SOURCES  = $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
OBJECTS  = $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE  = $(BUILD)/libavouch.a

COMMAND_PARTS = libxml-2.0 libarchive gmime-3.0 libpq
INCLUDES := $(shell pkg-config --cflags $(COMMAND_PARTS) 2>/dev/null)
LIBS     = -lldns -lcrypto -lidn2 -lconfuse -ljansson -lsqlite3 -lpthread
LIBS_DAEMON  = -lmilter $(LIBS) -lmicrohttpd
LIBS_COMMAND := $(LIBS) $(shell pkg-config --libs $(COMMAND_PARTS) 2>/dev/null)

DAEMON   = $(BUILD)/avouch-milter
COMMAND  = $(BUILD)/avouch
MILTER_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard milter/*.c))
CLI_OBJECTS    = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cli/*.c))

TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*_test.c))
HELPERS  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
BENCHES  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*_bench.c))
# What tests/support/memory.h and still.h have of the C library's.
WRAP      = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=clock_gettime,--wrap=epoll_wait
LIBS_TEST = $(WRAP) $(ARCHIVE) -lcmocka $(LIBS_COMMAND)

# A fuzz target NAME is tests/fuzz/NAME_fuzz.c with seeds in tests/corpus/NAME.
FUZZ    ?= $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 20
FUZZERS  = $(FUZZ:%=$(BUILD)/tests/fuzz/%_fuzz)
REPLAYS  = $(FUZZ:%=$(BUILD)/tests/fuzz/%_replay)
REPLAY_COMMANDS = $(foreach name,$(FUZZ),\
	"$(BUILD)/tests/fuzz/$(name)_replay tests/corpus/$(name)")

all: $(if $(MILTER_OBJECTS),$(DAEMON)) $(if $(CLI_OBJECTS),$(COMMAND))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# Two rooms may have a file of one name: appended, not replaced by name.
$(ARCHIVE): $(OBJECTS)
	@rm -f $@
	$(AR) qcs $@ $^

$(DAEMON): $(MILTER_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_DAEMON)

$(COMMAND): $(CLI_OBJECTS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_COMMAND)

# Objects before the archive, of which what they have themselves is not taken.
OBJECTS_FIRST = $(filter %.o,$^) $(filter-out %.o,$^)

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(HELPERS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $(OBJECTS_FIRST) $(LIBS_TEST)

# Of a program, not of the archive: what these tests call of cli/.
IMPORT = $(BUILD)/cli/import.o $(BUILD)/cli/import_rules.o
$(BUILD)/tests/import_test $(BUILD)/tests/fuzz/import_fuzz \
	$(BUILD)/tests/fuzz/import_replay: $(IMPORT)

# The daemon's session; tests/support/mta.c stands in for libmilter.
SESSION = $(patsubst %,$(BUILD)/milter/%.o,callbacks counters outcome record \
	listen owner service session) $(BUILD)/tests/fuzz/milter_session_world.o
$(BUILD)/tests/fuzz/milter_session_fuzz \
	$(BUILD)/tests/fuzz/milter_session_replay: $(SESSION)

$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(HELPERS) $(ARCHIVE)
	$(CC) $(CFLAGS) -fsanitize=fuzzer $(LINKHARD) -o $@ $(OBJECTS_FIRST) \
		$(LIBS_TEST)

$(BUILD)/tests/fuzz/%_replay: $(BUILD)/tests/fuzz/%_fuzz.o \
		$(BUILD)/tests/fuzz/replay.o $(HELPERS) $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $(OBJECTS_FIRST) $(LIBS_TEST)

$(BUILD)/tests/bench/%_bench: $(BUILD)/tests/bench/%_bench.o $(ARCHIVE)
	$(CC) $(CFLAGS) $(LINKHARD) -o $@ $^ $(LIBS_COMMAND)

# What the parts cost alone.
bench-parts: $(BENCHES)
	@for bench in $(BENCHES); do $$bench || exit 1; done

# The milter beside its peers; some 10 minutes.  BENCH="--record
# tests/bench/README.md" puts the table there, "--corpus DIR" spares making the
# messages.
BENCH_HARNESS ?= ../shared/bench
bench: all
	@tests/bench/peers.py $(DAEMON) --harness $(BENCH_HARNESS) \
		--work $(BUILD)/bench $(BENCH)

unit: $(TESTS) $(REPLAYS)
	@tests/run_cmocka $(TESTS) $(REPLAY_COMMANDS)

fuzz-replay: $(REPLAYS)
	@tests/run_cmocka $(REPLAY_COMMANDS)

# ---- the whole, as a user has it; root, on Debian ----

export PYTHONDONTWRITEBYTECODE = 1
MILTER_TESTS = "tests/milter/proto.py $(DAEMON)" \
	"tests/milter/operate.py $(DAEMON)" "tests/milter/confine.py $(DAEMON)" \
	"tests/milter/policy.py $(DAEMON)" "tests/milter/soak.py $(DAEMON) 5" \
	"tests/milter/luatest.py $(DAEMON)" "tests/milter/store.py $(DAEMON)" \
	"tests/milter/storefaults.py $(DAEMON)" \
	"tests/milter/failures.py $(DAEMON)" "tests/milter/starting.py $(DAEMON)" \
	"tests/milter/faults.py $(DAEMON)" "tests/milter/flood.py $(DAEMON)" \
	"tests/milter/loop.py $(DAEMON)" "tests/milter/e2e.py $(DAEMON)"
CLI_TESTS = "tests/cli/contract.py $(COMMAND)" \
	"tests/cli/explain.py $(COMMAND)" "tests/cli/manual.py $(COMMAND)" \
	"tests/report/reading.py $(COMMAND)" \
	"tests/report/central.py $(COMMAND)"

# Packages may come now: the variables above are to be worked out afterwards.
demo:
	@tests/deps build demo
	@echo "building"
	@$(MAKE) --no-print-directory -s all
	@tests/milter/demo.py $(DAEMON)

check:
	@tests/deps build check
	@echo "building"
	@$(MAKE) --no-print-directory -s all check-programs
	@$(MAKE) --no-print-directory -s check-run

# Preloaded into the daemon: memory that runs out, a clock that is set, an
# intruder; all by tests/milter.
PRELOADS = $(BUILD)/tests/failmalloc.so $(BUILD)/tests/turnclock.so \
	$(BUILD)/tests/probe.so

$(BUILD)/tests/%.so: tests/milter/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) -O2 -g -fPIC -shared -o $@ $<

check-programs: $(TESTS) $(REPLAYS) $(PRELOADS)

check-run:
	@LOGS=$(BUILD) tests/run_cmocka $(TESTS) $(REPLAY_COMMANDS) \
		"tests/install_test $(BUILD)" $(CLI_TESTS) $(MILTER_TESTS)

# The tests of the command alone.
cli-test: $(COMMAND)
	@LOGS=$(BUILD) tests/run_cmocka $(CLI_TESTS)

# The tests against a running milter alone.
e2e: all $(PRELOADS)
	@LOGS=$(BUILD) tests/run_cmocka $(MILTER_TESTS)

valgrind:
	@tests/deps build check fuzz
	@$(MAKE) --no-print-directory -s all
	@LOGS=$(BUILD) tests/run_cmocka "tests/milter/valgrind.py $(DAEMON)"
	@VALGRIND=yes tests/sanitized $(BUILD) "tests/milter/e2e.py $(DAEMON)"

# Ten times as many pushes and senders killed, with a real PostgreSQL.
central-test: $(COMMAND)
	@LOGS=$(BUILD) TEST_SECONDS=1200 tests/run_cmocka \
		"tests/report/central.py $(COMMAND) 240"

# Fetches Debian's Sendmail and runs it from a directory of its own; root.
sendmail-test: all
	@tests/milter/sendmail.py $(DAEMON)

# A reload every 100 ms at 200 messages a second, for a minute; `check` has five
# seconds of it.
soak-reload: all
	@tests/milter/soak.py $(DAEMON) 60

# 200,000 messages, 64 at once: memory and descriptors at the end are those of
# the middle.  Some three minutes on two cores.
SOAK = 200000
soak: all
	@LOGS=$(BUILD) TEST_SECONDS=3600 tests/run_cmocka \
		"tests/milter/endurance.py $(DAEMON) $(SOAK)"

# What `check` has in small: each way to fail alone, 100 MB, a million fields.
faults: all $(PRELOADS)
	@LOGS=$(BUILD) TEST_SECONDS=1200 tests/run_cmocka \
		"tests/milter/starting.py $(DAEMON)" \
		"tests/milter/faults.py $(DAEMON) --alone" \
		"tests/milter/flood.py $(DAEMON) --long"

# What is kept for reports, with all that can be wrong with the disk, and kills.
store-faults: all
	@LOGS=$(BUILD) tests/run_cmocka "tests/milter/store.py $(DAEMON)" \
		"tests/milter/storefaults.py $(DAEMON) all"

lint:
	@tests/deps build lint
	@INCLUDES="$(INCLUDES)" tests/lint

# FILES= for some of them; all take minutes.
analyze:
	@tests/deps build analyze
	@INCLUDES="$(INCLUDES)" tests/analyze $(FILES)

# The lines of some FILES that no test runs: tests/coverage build-coverage FILES.
coverage:
	@tests/deps build check
	@find build-coverage -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) --no-print-directory -s BUILD=build-coverage FORTIFY= \
		CFLAGS="-Og -g --coverage" coverage-run

coverage-run: all $(TESTS)
	@tests/run_cmocka $(TESTS)
	@tests/coverage $(BUILD)
	@echo "with the tests of the command (whether they pass is for check):"
	@LOGS=$(BUILD) tests/run_cmocka $(CLI_TESTS) || :
	@tests/coverage $(BUILD)

deps:
	@tests/deps all

# ---- installed: DESTDIR= PREFIX= ----

# The programs look for their configuration there, whatever the PREFIX.
CONF     = $(DESTDIR)/etc/avouch/avouch.conf
UNITS    = $(notdir $(wildcard etc/*.service etc/*.timer))
PAGES    = $(wildcard etc/*.[158])
DOCS     = README.md LICENSE $(wildcard etc/*.snippet)
COMPLETE = $(wildcard etc/avouch.bash-completion)

# SOURCE:MODE:PLACE, the place below PREFIX; uninstall reads the same list.
PLACES   = $(DAEMON):755:sbin/avouch-milter $(COMMAND):755:bin/avouch \
	etc/avouch.sysusers:644:lib/sysusers.d/avouch.conf \
	etc/avouch.tmpfiles:644:lib/tmpfiles.d/avouch.conf \
	$(foreach unit,$(UNITS),etc/$(unit):644:lib/systemd/system/$(unit)) \
	$(foreach page,$(PAGES),$(page):644:share/man/man$(patsubst \
		.%,%,$(suffix $(page)))/$(notdir $(page))) \
	$(foreach doc,$(DOCS),$(doc):644:share/doc/avouch/$(notdir $(doc))) \
	$(COMPLETE:%=%:644:share/bash-completion/completions/avouch)

install: all
	@for place in $(PLACES); do \
		from=$${place%%:*} to=$${place##*:} mode=$${place#*:}; \
		install -D -m $${mode%%:*} $$from "$(DESTDIR)$(PREFIX)/$$to" || \
			exit 1; \
	done
	@for unit in $(filter %.service,$(UNITS)); do \
		sed -i 's|/usr/\(s*bin/avouch\)|$(PREFIX)/\1|' \
			"$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit" || exit 1; \
	done
	@[ -e "$(CONF)" ] || install -D -m 644 etc/avouch.conf "$(CONF)"
	@echo "installed below $(DESTDIR)$(PREFIX); configuration: $(CONF)"

# A configuration that was changed is left.
uninstall:
	@for place in $(PLACES); do \
		rm -f "$(DESTDIR)$(PREFIX)/$${place##*:}" || exit 1; \
	done
	@rmdir "$(DESTDIR)$(PREFIX)/share/doc/avouch" 2>/dev/null || :
	@if cmp -s etc/avouch.conf "$(CONF)"; then rm -f "$(CONF)"; fi
	@rmdir "$(DESTDIR)/etc/avouch" 2>/dev/null || :
	@[ ! -e "$(CONF)" ] || echo "left, for it was changed: $(CONF)"

# From a copy, for debhelper wants debian/ at the top and writes into it.
deb:
	@tests/deps build deb
	@rm -rf $(BUILD)/deb
	@mkdir -p $(BUILD)/deb/avouch
	@tar -cf - --exclude='./$(BUILD)' --exclude='./build' \
		--exclude='./build-*' --exclude='./.git' \
		--exclude=__pycache__ . | tar -C $(BUILD)/deb/avouch -xf -
	@cp -R etc/debian $(BUILD)/deb/avouch/debian
	@cd $(BUILD)/deb/avouch && env -u MAKEFLAGS -u MAKELEVEL \
		DEB_BUILD_OPTIONS="nocheck $$DEB_BUILD_OPTIONS" \
		dpkg-buildpackage -us -uc -b -Pnocheck >../build.log 2>&1 || \
		{ tail -30 ../build.log; exit 1; }
	@rm -rf $(BUILD)/deb/avouch
	@! command -v lintian >/dev/null || lintian --allow-root \
		--fail-on error,warning $(BUILD)/deb/avouch_*.changes
	@ls $(BUILD)/deb/avouch_*.deb

# Variants are these same rules with another BUILD and CFLAGS.  Sanitizers see
# no overflow in the functions that _FORTIFY_SOURCE puts in the place of libc's.
CHECKED  = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
STORM    = "tests/milter/storm.py $(DAEMON) $(STORM_SECONDS)"
STORM_SECONDS ?= 10
asan:
	@tests/deps build check
	$(MAKE) BUILD=build-asan FORTIFY= \
		CFLAGS="$(CHECKED) -fsanitize=address,undefined" sanitized

# Takes about ten minutes.
tsan:
	@tests/deps build check
	$(MAKE) BUILD=build-tsan FORTIFY= STORM_SECONDS=60 \
		CFLAGS="$(CHECKED) -fsanitize=thread" sanitized

sanitized: all check-programs
	@tests/sanitized $(BUILD) $(TESTS) $(REPLAY_COMMANDS) $(CLI_TESTS) \
		$(STORM) $(MILTER_TESTS)

fuzz-build:
	$(MAKE) CC=clang-14 BUILD=build-fuzz FORTIFY= FUZZ="$(FUZZ)" \
		CFLAGS="$(CHECKED) -fsanitize=fuzzer-no-link,address,undefined" \
		fuzzers

fuzzers: $(FUZZERS)

# One line for each target; see tests/fuzz/run.
fuzz: fuzz-build
	@tests/fuzz/run build-fuzz $(FUZZ_SECONDS) $(FUZZ)

help:
	@echo "all          the programs: build/avouch-milter, build/avouch"
	@echo "demo         mail through a Postfix with the milter attached, shown"
	@echo "check        builds, and runs all tests"
	@echo "install      DESTDIR= PREFIX=/usr/local; uninstall takes it away"
	@echo "deb          a Debian package, in build/deb"
	@echo "deps         installs the Debian packages that are missing"
	@echo "unit         module tests, and the seeds of all fuzz targets"
	@echo "fuzz-replay  the seeds of all fuzz targets alone"
	@echo "cli-test     the tests of the command alone"
	@echo "e2e          the tests against a running milter alone"
	@echo "central-test a PostgreSQL that hosts share, 240 times killed"
	@echo "sendmail-test  mail through a Sendmail that is fetched for it"
	@echo "faults       the tests of failures and floods, in their long form"
	@echo "soak         SOAK=200000 messages: memory and descriptors are flat"
	@echo "soak-reload  a minute of mail with ten reloads a second"
	@echo "store-faults kills, and all that can be wrong with the store's disk"
	@echo "valgrind     a thousand messages and the end-to-end test under valgrind"
	@echo "lint         the rules that no compiler checks"
	@echo "asan tsan    all tests under sanitizers, in build-asan, build-tsan"
	@echo "analyze      clang-tidy, gcc -fanalyzer, cppcheck; FILES= for some"
	@echo "coverage     lines that the unit tests run, by room"
	@echo "fuzz         each target FUZZ_SECONDS=20 long; FUZZ=NAME for one;"
	@echo "             findings, and how to see them again, in build-fuzz/findings"
	@echo "fuzz-build   the fuzz targets, in build-fuzz"
	@echo "bench        the milter beside its peers: CPU, rate, latency, memory"
	@echo "bench-parts  what the parts cost alone"
	@echo "clean        removes build and build-*"

.SECONDARY:
.PHONY: all bench bench-parts demo check check-programs check-run cli-test e2e \
	central-test soak soak-reload faults sendmail-test store-faults \
	valgrind lint analyze coverage coverage-run deps unit fuzz-replay \
	asan tsan sanitized fuzz-build fuzzers fuzz install uninstall deb \
	help clean
clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
