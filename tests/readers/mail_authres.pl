#!/usr/bin/perl
# Reads Authentication-Results fields with Mail::AuthenticationResults.
# stdin: a JSON list of values; stdout: a list of ["method", "result"] for each,
# or with an error message.
use strict;
use warnings;
use JSON::PP;
use Mail::AuthenticationResults::Parser;

local $/;
my @out;
for my $value (@{ decode_json(<STDIN>) }) {
	my $parsed = eval { Mail::AuthenticationResults::Parser->new($value) };
	push @out, !$parsed ? ["error: $@"] : [
		map { [lc $_->key(), lc $_->value()] }
		grep { $_->isa('Mail::AuthenticationResults::Header::Entry') }
		@{ $parsed->parsed()->children() }
	];
}
print encode_json(\@out);
