# The tests and other targets for developers; included by the Makefile.  `make help`
# prints the lines with ##.

## demo         send mail through a real Postfix with the milter attached
## check        build, and run all tests
## deps         install the Debian packages that are missing
## unit         run the module tests, and the fuzz targets with their seeds
## fuzz-replay  run the fuzz targets with their seeds
## cli-test     run the tests of the command
## e2e          run the tests against a running milter
## conformance  SUITES=DIR: run external suites, see docs/CONTRIBUTING.md
## lint         check rules that the compiler does not check
## analyze      run clang-tidy, gcc -fanalyzer, cppcheck; FILES= limits it
## asan tsan    run all tests under sanitizers, in build-asan, build-tsan
## valgrind     run a thousand messages and the end-to-end test under valgrind
## coverage     show the lines that the unit tests run, by room
## fuzz         run every target for FUZZ_SECONDS=20; FUZZ=NAME runs one; SEEDS=DIR
## fuzz-build   build the fuzz targets, in build-fuzz
## faults       run the long tests of failures and floods
## neighbours   send 100 hostile messages a second for a minute, twice
## store-faults test kill -9 and disk errors while the store is written
## central-test test a shared PostgreSQL that is killed 240 times
## sendmail-test  send mail through a real Sendmail, which is downloaded
## sign-test    sign 2,000 messages and 1,050 odd ones; other programs verify them
## package-test SYSTEMS="bookworm trixie": test the package on booted systems
## author-test  FIELDS="100000 5000": test random hostile and legitimate From fields
## soak         send SOAK=200000 messages; memory and descriptors must not grow
## soak-day     run a day of mixed mail with a fast clock
## soak-reload  run a minute of mail with ten reloads a second
## matrix       SYSTEMS="trixie arm64": build and test on other systems (root)
## cross        compile for musl, arm64 and riscv64, without linking
## rpm          build the RPM of etc/avouch.spec and compare it with install
## apk          compare the package of Alpine's APKBUILD with install
## bench        measure the milter and its peers: CPU, rate, latency, memory;
##              also through a real Postfix, signing, and growth
## growth-bench measure how the cost of a message grows with load and settings
## sign-bench   measure the CPU time of signing, compared with opendkim and bare RSA
## bench-parts  measure the cost of individual parts

TESTS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*_test.c \
	tests/*/*_test.c tests/*/*/*_test.c))
HELPERS  = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
BENCHES  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*_bench.c))
# Replaced by functions in tests/support.
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

# A fast linker, if available, for programs that are not installed.  Not mold:
# programs linked with version 1.10 sometimes do not start.
FAST_LINKER := $(if $(shell command -v ld.lld 2>&1),-fuse-ld=lld)
LINK_TEST = $(CC) $(CFLAGS) $(FAST_LINKER) $(LINKHARD)

# Objects come before the archive, so that their symbols take precedence.
OBJECTS_FIRST = $(filter %.o,$^) $(filter-out %.o,$^)

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(HELPERS) $(ARCHIVE)
	$(LINK_TEST) -o $@ $(OBJECTS_FIRST) $(LIBS_TEST)

# cli/ is not in the archive, but these tests call parts of it.
IMPORT = $(BUILD)/cli/import.o $(BUILD)/cli/import_rules.o
$(BUILD)/tests/cli/import_test $(BUILD)/tests/fuzz/import_fuzz \
	$(BUILD)/tests/fuzz/import_replay: $(IMPORT)

# milter/ is not in the archive either.
$(BUILD)/tests/milter/read_ahead_test: $(BUILD)/milter/read_ahead.o

# The daemon's session; tests/support/fake_libmilter.c replaces libmilter.
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
# to that file; BENCH="--corpus DIR" uses existing messages.
BENCH_HARNESS ?= ../shared/bench
bench: all
	@tests/bench/peers.py $(DAEMON) --harness $(BENCH_HARNESS) \
		--work $(BUILD)/bench $(BENCH)
	@tests/bench/postfix_bench.py $(DAEMON) --harness $(BENCH_HARNESS) \
		--work $(BUILD)/bench
	@$(MAKE) --no-print-directory -s sign-bench growth-bench

# How costs grow with signatures, overrides, domains and connections.
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

# The two programs that tests/author compares: ours and one that uses GMime.
AUTHOR_PROGRAMS = $(BUILD)/tests/author/fields $(BUILD)/tests/author/gmime
$(AUTHOR_PROGRAMS): %: %.o $(ARCHIVE)
	$(LINK_TEST) -o $@ $^ $(LIBS_COMMAND)

FIELDS = 100000 5000
author-test: $(COMMAND) $(AUTHOR_PROGRAMS)
	@LOGS=$(BUILD) tests/run_cmocka \
		"tests/author/random_fields.py $(BUILD) $(FIELDS)"

# A second make, because installing packages changes the variables above.
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
# that can be set, an intruder.
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

# Ten times as many kills as `check`.
central-test: $(COMMAND)
	@LOGS=$(BUILD) tests/run_cmocka \
		"tests/report/central.py $(COMMAND) 240"

# External suites; docs/CONTRIBUTING.md describes their format.
CONFORMANCE_JOBS = 16
conformance: $(COMMAND)
	@test -n "$(SUITES)" || { echo "give SUITES=DIR"; exit 2; }
	@tests/conformance "$(SUITES)" $(COMMAND) $(CONFORMANCE_JOBS)

# Signs and delivers 2,000 messages, and 210 odd ones on each of five routes.
# OpenDKIM, dkimpy, Mail::DKIM and avouch verify them.  Takes about ten minutes.
sign-test: all
	@LOGS=$(BUILD) tests/run_cmocka \
		"tests/milter/signall.py $(DAEMON) 2000 all"
	@grep '^# ' $(BUILD)/signall.py.log

sign-bench: all
	@tests/bench/sign_cpu.py $(DAEMON)

# Downloads Debian's Sendmail and runs it from a separate directory; needs root.
sendmail-test: all
	@LOGS=$(BUILD) JOBS=1 tests/run_cmocka "tests/milter/sendmail.py $(DAEMON)" \
		"tests/milter/fromforms.py $(DAEMON)"

# Creates a bare Debian of each release, and builds and installs the package on it.
# Needs root, a network, and some minutes for each.
PACKAGE_PLACE = $(BUILD)/systems
package-test:
	@tests/deps package
	@mkdir -p $(PACKAGE_PLACE)
	@for system in $(or $(SYSTEMS),bookworm trixie); do \
		echo "preparing $$system" && \
		tests/package/prepare $(PACKAGE_PLACE) $$system \
			>$(PACKAGE_PLACE)/$$system.log 2>&1 || { \
			tail -30 $(PACKAGE_PLACE)/$$system.log; exit 1; }; \
		LOGS=$(PACKAGE_PLACE)/$$system tests/run_cmocka \
			"tests/package/package.py $(PACKAGE_PLACE)/$$system" \
			"tests/package/migrate.py $(PACKAGE_PLACE)/$$system" || exit 1; \
	done

# A reload every 100 ms at 200 messages a second; `check` runs it for 5 seconds.
soak-reload: all
	@tests/milter/soak.py $(DAEMON) 60

# Sends 200,000 messages, 64 at a time: memory and descriptors must not grow between
# the middle and the end.  Takes about three minutes on two cores.
SOAK = 200000
soak: all
	@LOGS=$(BUILD) tests/run_cmocka \
		"tests/milter/endurance.py $(DAEMON) $(SOAK)"

# Sends 300,000 messages; takes about three minutes on two cores.
soak-day: all $(PRELOADS)
	@LOGS=$(BUILD) TEST_SECONDS=7200 tests/run_cmocka \
		"tests/milter/day.py $(DAEMON)"
	@grep -v '^ok' $(BUILD)/day.py.log

# Long versions of tests of which `check` runs short ones.
faults: all $(PRELOADS)
	@LOGS=$(BUILD) SLOW=yes tests/run_cmocka \
		"tests/audit/servers.py $(COMMAND)" \
		"tests/audit/waiting.py $(COMMAND)" \
		"tests/milter/startup.py $(DAEMON)" \
		"tests/milter/faults.py $(DAEMON) --alone" \
		"tests/milter/flood.py $(DAEMON) --long"

# Sends the most expensive mail, 100 messages a second, through a Postfix and an
# Unbound for a minute, twice; the figures are in the log.
neighbours: all
	@LOGS=$(BUILD) tests/run_cmocka \
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

# Afterwards `tests/coverage build-coverage FILE` prints the lines that no test runs.
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
# because its replacements of libc functions hide errors from sanitizers.
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

# Other releases of Debian and Ubuntu, other processors, another C library: see
# tests/matrix.  Takes an hour or more.
matrix:
	@tests/matrix $(SYSTEMS)

# With NOCHECK=yes the module tests do not run again.
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
