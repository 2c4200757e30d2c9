# The tests and everything else a developer runs; included by the Makefile.  The
# lines with ## are what `make help` prints.

## demo         mail through a real Postfix with the milter attached
## check        build, and run all tests
## deps         install the Debian packages that are missing
## unit         module tests, and the seeds of all fuzz targets
## fuzz-replay  the seeds of all fuzz targets
## cli-test     the tests of the command
## e2e          the tests against a running milter
## conformance  SUITES=DIR: suites that are kept elsewhere, see docs/CONTRIBUTING.md
## lint         rules that the compiler does not check
## analyze      clang-tidy, gcc -fanalyzer, cppcheck; FILES= limits it
## asan tsan    all tests under sanitizers, in build-asan, build-tsan
## valgrind     a thousand messages and the end-to-end test under valgrind
## coverage     lines that the unit tests run, by room
## fuzz         every target for FUZZ_SECONDS=20; FUZZ=NAME for one; SEEDS=DIR
## fuzz-build   build the fuzz targets, in build-fuzz
## faults       the long tests of failures and floods
## neighbours   a minute of hostile mail at 100 a second, twice
## store-faults kill -9 and disk errors while the store is written
## central-test a PostgreSQL that several hosts share, killed 240 times
## sendmail-test  mail through a real Sendmail, which is downloaded
## sign-test    2,000 messages and 1,050 odd ones signed, and verified by others
## package-test SYSTEMS="bookworm trixie": the package on systems that are booted
## author-test  FIELDS="100000 5000" random From fields, hostile and honest
## soak         SOAK=200000 messages; memory and descriptors must stay flat
## soak-day     a day of mixed mail on a fast clock
## soak-reload  a minute of mail with ten reloads a second
## matrix       SYSTEMS="trixie arm64": build and test in other systems (root)
## cross        compile for musl, arm64 and riscv64, without linking
## rpm          the RPM of etc/avouch.spec, compared with what install does
## apk          the APKBUILD of Alpine, compared with what install does
## bench        the milter and its peers: CPU, rate, latency, memory; also
##              through a real Postfix, signing, and growth
## growth-bench how the cost of a message grows with what there is more of
## sign-bench   CPU of signing a small message, beside opendkim and RSA alone
## bench-parts  what the single parts cost

TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*_test.c \
	tests/*/*_test.c tests/*/*/*_test.c))
HELPERS  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
BENCHES  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*_bench.c))
# Replaced by tests/support/memory.c and still.c.
WRAP      = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=clock_gettime,--wrap=epoll_wait,--wrap=ldns_wire2rr
LIBS_TEST = $(WRAP) $(ARCHIVE) -lcmocka $(LIBS_COMMAND)

# Fuzz target NAME: tests/fuzz/NAME_fuzz.c, its seeds: tests/corpus/NAME.
FUZZ    ?= $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 20
FUZZERS  = $(FUZZ:%=$(BUILD)/tests/fuzz/%_fuzz)
REPLAYS  = $(FUZZ:%=$(BUILD)/tests/fuzz/%_replay)
REPLAY_COMMANDS = $(foreach name,$(FUZZ),\
	"$(BUILD)/tests/fuzz/$(name)_replay tests/corpus/$(name)")

# A fast linker, if there is one, for programs that are not installed.  Not mold:
# version 1.10 sometimes links programs that do not start.
FAST_LINKER := $(if $(shell command -v ld.lld 2>&1),-fuse-ld=lld)
LINK_TEST = $(CC) $(CFLAGS) $(FAST_LINKER) $(LINKHARD)

# Objects come before the archive, so that theirs are used where it has the same.
OBJECTS_FIRST = $(filter %.o,$^) $(filter-out %.o,$^)

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(HELPERS) $(ARCHIVE)
	$(LINK_TEST) -o $@ $(OBJECTS_FIRST) $(LIBS_TEST)

# cli/ is not in the archive; these tests call parts of it.
IMPORT = $(BUILD)/cli/import.o $(BUILD)/cli/import_rules.o
$(BUILD)/tests/cli/import_test $(BUILD)/tests/fuzz/import_fuzz \
	$(BUILD)/tests/fuzz/import_replay: $(IMPORT)

# Nor is milter/.
$(BUILD)/tests/milter/read_ahead_test: $(BUILD)/milter/read_ahead.o

# The daemon's session; tests/support/fake_libmilter.c stands in for libmilter.
SESSION = $(patsubst %,$(BUILD)/milter/%.o,callbacks metrics reply message_sink \
	service session own_guard sign_sink signing key_watch) \
	$(BUILD)/tests/fuzz/milter_session_world.o
$(BUILD)/tests/fuzz/milter_session_fuzz \
	$(BUILD)/tests/fuzz/milter_session_replay: $(SESSION)

$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(HELPERS) $(ARCHIVE)
	$(CC) $(CFLAGS) -fsanitize=fuzzer $(LINKHARD) -o $@ $(OBJECTS_FIRST) \
		$(LIBS_TEST)

$(BUILD)/tests/fuzz/%_replay: $(BUILD)/tests/fuzz/%_fuzz.o \
		$(BUILD)/tests/fuzz/replay.o $(HELPERS) $(ARCHIVE)
	$(LINK_TEST) -o $@ $(OBJECTS_FIRST) $(LIBS_TEST)

$(BUILD)/tests/bench/%_bench: $(BUILD)/tests/bench/%_bench.o $(ARCHIVE)
	$(LINK_TEST) -o $@ $^ $(LIBS_COMMAND) -lm

bench-parts: $(BENCHES)
	@for bench in $(filter-out %/store_bench,$(BENCHES)); do \
		$$bench || exit 1; done
	@rm -f $(BUILD)/bench.db*
	@$(BUILD)/tests/bench/store_bench $(BUILD)/bench.db

# Takes about 10 minutes.  BENCH="--record tests/bench/README.md" writes the table
# there; BENCH="--corpus DIR" uses messages that exist already.
BENCH_HARNESS ?= ../shared/bench
bench: all
	@tests/bench/peers.py $(DAEMON) --harness $(BENCH_HARNESS) \
		--work $(BUILD)/bench $(BENCH)
	@tests/bench/postfix_bench.py $(DAEMON) --harness $(BENCH_HARNESS) \
		--work $(BUILD)/bench
	@$(MAKE) --no-print-directory -s sign-bench growth-bench

# What grows with signatures, overrides, domains and connections, and how fast.
growth-bench: all
	@tests/bench/growth.py $(DAEMON)

unit-programs: $(TESTS) $(REPLAYS)

unit: unit-programs
	@tests/run_cmocka $(TESTS) $(REPLAY_COMMANDS)

fuzz-replay: $(REPLAYS)
	@tests/run_cmocka $(REPLAY_COMMANDS)

# ---- whole programs: need root on Debian ----

export PYTHONDONTWRITEBYTECODE = 1
MILTER_TESTS = "tests/milter/proto.py $(DAEMON)" \
	"tests/milter/operate.py $(DAEMON)" "tests/milter/sandbox.py $(DAEMON)" \
	"tests/milter/resolvers.py $(DAEMON)" \
	"tests/milter/hostcheck.py $(DAEMON)" "tests/milter/migrate.py $(DAEMON)" \
	"tests/milter/policy.py $(DAEMON)" "tests/milter/sign.py $(DAEMON)" \
	"tests/milter/keys.py $(DAEMON)" "tests/milter/importkeys.py $(DAEMON)" \
	"tests/milter/signall.py $(DAEMON)" "tests/milter/signtest.py $(DAEMON)" "tests/milter/soak.py $(DAEMON) 5" \
	"tests/milter/day.py $(DAEMON) 3000" \
	"tests/milter/luatest.py $(DAEMON)" "tests/milter/store.py $(DAEMON)" \
	"tests/milter/storefaults.py $(DAEMON)" \
	"tests/milter/failures.py $(DAEMON)" "tests/milter/startup.py $(DAEMON)" \
	"tests/milter/faults.py $(DAEMON)" "tests/milter/flood.py $(DAEMON)" \
	"tests/milter/feedback_loop.py $(DAEMON)" "tests/milter/e2e.py $(DAEMON)" \
	"tests/milter/neighbours.py $(DAEMON)" \
	"tests/milter/trusted.py $(DAEMON)" "tests/milter/junk.py $(DAEMON)" \
	"tests/report/dashboards.py $(DAEMON)"
CLI_TESTS = "tests/cli/contract.py $(COMMAND)" \
	"tests/cli/explain.py $(COMMAND)" "tests/cli/manual.py $(COMMAND)" \
	"tests/cli/publish.py $(COMMAND)" "tests/cli/doctor.py $(COMMAND)" \
	"tests/cli/key.py $(COMMAND)" \
	"tests/audit/domain.py $(COMMAND)" \
	"tests/audit/false_alarms.py $(COMMAND)" \
	"tests/audit/mine.py $(COMMAND)" \
	"tests/audit/servers.py $(COMMAND)" \
	"tests/audit/message.py $(COMMAND)" \
	"tests/audit/waiting.py $(COMMAND)" \
	"tests/audit/answering.py $(COMMAND)" \
	"tests/readers/fields.py $(COMMAND)" \
	"tests/report/reading.py $(COMMAND)" \
	"tests/report/digest.py $(COMMAND)" \
	"tests/report/showing.py $(COMMAND)" \
	"tests/report/receiving.py $(COMMAND)" \
	"tests/report/oddities.py $(COMMAND)" \
	"tests/report/intake.py $(COMMAND)" \
	"tests/report/sent.py $(COMMAND)" \
	"tests/report/central.py $(COMMAND)" \
	"tests/report/upgrade.py $(COMMAND)"

# Programs that tests/author compares: ours and GMime.
AUTHOR_PROGRAMS = $(BUILD)/tests/author/fields $(BUILD)/tests/author/gmime
$(AUTHOR_PROGRAMS): %: %.o $(ARCHIVE)
	$(LINK_TEST) -o $@ $^ $(LIBS_COMMAND)

FIELDS = 100000 5000
author-test: $(COMMAND) $(AUTHOR_PROGRAMS)
	@LOGS=$(BUILD) TEST_SECONDS=3600 tests/run_cmocka \
		"tests/author/random_fields.py $(BUILD) $(FIELDS)"

# A second make, because the packages change what the variables above find.
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

# Libraries that tests/milter preloads into the daemon: failing allocations, a clock
# that is set, an intruder.
PRELOADS = $(BUILD)/tests/failmalloc.so $(BUILD)/tests/turnclock.so \
	$(BUILD)/tests/probe.so

$(BUILD)/tests/%.so: tests/milter/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) -O2 -g -fPIC -shared -o $@ $<

check-programs: $(TESTS) $(REPLAYS) $(PRELOADS) $(AUTHOR_PROGRAMS)

check-run:
	@LOGS=$(BUILD) tests/run_cmocka $(CLI_TESTS) $(MILTER_TESTS) \
		"tests/install_test $(BUILD)" "tests/author/random_fields.py $(BUILD)" \
		$(TESTS) $(REPLAY_COMMANDS)

cli-test: $(COMMAND)
	@LOGS=$(BUILD) tests/run_cmocka $(CLI_TESTS)

e2e: all $(PRELOADS)
	@LOGS=$(BUILD) tests/run_cmocka $(MILTER_TESTS)

valgrind:
	@tests/deps build check fuzz
	@$(MAKE) --no-print-directory -s all
	@LOGS=$(BUILD) tests/run_cmocka "tests/milter/valgrind.py $(DAEMON)"
	@VALGRIND=yes tests/sanitized $(BUILD) "tests/milter/e2e.py $(DAEMON)"

# Ten times the kills of `check`.
central-test: $(COMMAND)
	@LOGS=$(BUILD) TEST_SECONDS=1200 tests/run_cmocka \
		"tests/report/central.py $(COMMAND) 240"

# Suites from outside this repository; docs/CONTRIBUTING.md has their format.
CONFORMANCE_JOBS = 16
conformance: $(COMMAND)
	@test -n "$(SUITES)" || { echo "give SUITES=DIR"; exit 2; }
	@tests/conformance "$(SUITES)" $(COMMAND) $(CONFORMANCE_JOBS)

# 2,000 messages, and 210 odd shapes on each of five ways, signed, delivered and
# verified by OpenDKIM, dkimpy, Mail::DKIM and avouch.  Takes about ten minutes.
sign-test: all
	@LOGS=$(BUILD) TEST_SECONDS=3600 tests/run_cmocka \
		"tests/milter/signall.py $(DAEMON) 2000 all"
	@grep '^# ' $(BUILD)/signall.py.log

sign-bench: all
	@tests/bench/sign_cpu.py $(DAEMON)

# Downloads Debian's Sendmail and runs it from a separate directory; needs root.
sendmail-test: all
	@LOGS=$(BUILD) JOBS=1 tests/run_cmocka "tests/milter/sendmail.py $(DAEMON)" \
		"tests/milter/fromforms.py $(DAEMON)"

# A bare Debian of each name is made, the package is built and installed on it;
# needs root, a network, and some minutes for each.
PACKAGE_PLACE = $(BUILD)/systems
package-test:
	@tests/deps package
	@mkdir -p $(PACKAGE_PLACE)
	@for system in $(or $(SYSTEMS),bookworm trixie); do \
		echo "preparing $$system" && \
		tests/package/prepare $(PACKAGE_PLACE) $$system \
			>$(PACKAGE_PLACE)/$$system.log 2>&1 || { \
			tail -30 $(PACKAGE_PLACE)/$$system.log; exit 1; }; \
		LOGS=$(PACKAGE_PLACE)/$$system TEST_SECONDS=3600 tests/run_cmocka \
			"tests/package/package.py $(PACKAGE_PLACE)/$$system" \
			"tests/package/migrate.py $(PACKAGE_PLACE)/$$system" || exit 1; \
	done

# A reload every 100 ms at 200 messages a second; `check` runs it for 5 seconds.
soak-reload: all
	@tests/milter/soak.py $(DAEMON) 60

# 200,000 messages, 64 at once: memory and descriptors at the end equal those in
# the middle.  About three minutes on two cores.
SOAK = 200000
soak: all
	@LOGS=$(BUILD) TEST_SECONDS=3600 tests/run_cmocka \
		"tests/milter/endurance.py $(DAEMON) $(SOAK)"

# 300,000 messages; about three minutes on two cores.
soak-day: all $(PRELOADS)
	@LOGS=$(BUILD) TEST_SECONDS=7200 tests/run_cmocka \
		"tests/milter/day.py $(DAEMON)"
	@grep -v '^ok' $(BUILD)/day.py.log

# The long form of tests that `check` runs in short.
faults: all $(PRELOADS)
	@LOGS=$(BUILD) TEST_SECONDS=1200 SLOW=yes tests/run_cmocka \
		"tests/audit/servers.py $(COMMAND)" \
		"tests/audit/waiting.py $(COMMAND)" \
		"tests/milter/startup.py $(DAEMON)" \
		"tests/milter/faults.py $(DAEMON) --alone" \
		"tests/milter/flood.py $(DAEMON) --long"

# A minute of the most expensive mail at 100 a second, twice, through a Postfix
# and an unbound; the figures are in the log.
neighbours: all
	@LOGS=$(BUILD) TEST_SECONDS=1200 tests/run_cmocka \
		"tests/milter/neighbours.py $(DAEMON) --long"
	@grep '^# ' $(BUILD)/neighbours.py.log

store-faults: all
	@LOGS=$(BUILD) tests/run_cmocka "tests/milter/store.py $(DAEMON)" \
		"tests/milter/storefaults.py $(DAEMON) all"

lint:
	@tests/deps build lint
	@INCLUDES="$(INCLUDES)" tests/lint

analyze:
	@tests/deps build analyze
	@INCLUDES="$(INCLUDES)" tests/analyze $(FILES)

# `tests/coverage build-coverage FILE` then prints the lines that no test runs.
coverage:
	@tests/deps build check
	@find build-coverage -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) --no-print-directory -s BUILD=build-coverage FORTIFY= \
		CFLAGS="-Og -g --coverage" coverage-run

coverage-run: all $(TESTS)
	@tests/run_cmocka $(TESTS)
	@tests/coverage $(BUILD)
	@echo "with the tests of the command (their result does not matter here):"
	@LOGS=$(BUILD) tests/run_cmocka $(CLI_TESTS) || :
	@tests/coverage $(BUILD)

# Variants use the same rules with another BUILD and CFLAGS.  Without FORTIFY,
# because sanitizers do not see into its replacements of libc functions.
CHECKED  = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
STORM    = "tests/milter/reload_storm.py $(DAEMON) $(STORM_SECONDS)"
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
	@tests/sanitized $(BUILD) $(CLI_TESTS) $(MILTER_TESTS) $(STORM) \
		$(TESTS) $(REPLAY_COMMANDS)

fuzz-build:
	$(MAKE) CC=clang BUILD=build-fuzz FORTIFY= FUZZ="$(FUZZ)" \
		CFLAGS="$(CHECKED) -fsanitize=fuzzer-no-link,address,undefined" \
		fuzzers

fuzzers: $(FUZZERS)

fuzz: fuzz-build
	@tests/fuzz/run build-fuzz $(FUZZ_SECONDS) $(FUZZ)

# Debian and Ubuntu of other releases, other processors, another C library: see
# tests/matrix.  An hour or more.
matrix:
	@tests/matrix $(SYSTEMS)

# NOCHECK=yes does not run the module tests again.
rpm: all
	@tests/deps build check rpm
	@tests/rpm

apk: all
	@tests/apk

cross:
	@tests/deps build check cross
	@WARN="$(WARN)" tests/cross $(SYSTEMS)

deps:
	@tests/deps all

.PHONY: bench bench-parts demo apk check check-programs check-run cli-test e2e \
	matrix cross rpm unit-programs package-test central-test conformance sign-test sign-bench growth-bench soak soak-day soak-reload faults neighbours sendmail-test \
	store-faults \
	valgrind lint analyze coverage coverage-run deps unit fuzz-replay \
	asan tsan sanitized fuzz-build fuzzers fuzz
