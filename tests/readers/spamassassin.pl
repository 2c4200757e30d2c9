#!/usr/bin/perl
# What SpamAssassin's SPF and AuthRes plugins read from messages, without
# any other rules and without DNS.
# stdin: {"id": our authserv-id, "messages": [...]}, bytes as characters;
# stdout: for each {"spf": [...], "helo": [...]} of the SPF plugin,
# {"parsed": {method: [result]}, "best": {method: result}} of the other.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

local $/;
my $in = decode_json(<STDIN>);
my @codes = qw(pass neutral none fail softfail permerror temperror);
my $config = join "\n",
	(map { "loadplugin Mail::SpamAssassin::Plugin::$_" }
		qw(Check SPF AuthRes)),
	"authres_networks internal", # the default
	"authres_trusted_authserv $in->{id}",
	(map { (
		"header SPF_$_ eval:check_for_spf_$_()",
		"header HELO_$_ eval:check_for_spf_helo_$_()",
	) } @codes),
	"";
my $sa = Mail::SpamAssassin->new({
	config_text => $config,
	local_tests_only => 1,
	dont_copy_prefs => 1,
	userstate_dir => $ARGV[0],
});
my @out;
for my $message (@{ $in->{messages} }) {
	my $mail = $sa->parse($message, 1);
	my $status = $sa->check($mail);
	my %hit = map { $_ => 1 } split /,/, $status->get_names_of_tests_hit();
	my $parsed = $status->{authres_parsed};
	push @out, {
		spf => [grep { $hit{"SPF_$_"} } @codes],
		helo => [grep { $hit{"HELO_$_"} } @codes],
		best => $status->{authres_result} || {},
		parsed => { map {
			my $method = $_;
			$method => [map { $_->{result} } @{ $parsed->{$method} }]
		} keys %{ $parsed || {} } },
	};
	$status->finish();
	$mail->finish();
}
print encode_json(\@out);
