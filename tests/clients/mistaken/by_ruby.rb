#!/usr/bin/env ruby
# Ruby's net/smtp with what it does when nothing is said about TLS.
#
#   by_ruby.rb HOST PORT USER SECRET
require 'net/smtp'

host, port, user, secret = ARGV
letter = "From: alice@example.org\nTo: bob@example.net\nSubject: from Ruby\n" \
         "Date: #{Time.now.strftime('%a, %d %b %Y %H:%M:%S %z')}\nMessage-ID: <#{Process.pid}.#{rand(1 << 40)}@client.example>\n\nHello.\n"
begin
  login = user.to_s.empty? ? [] : [user, secret, :plain]
  Net::SMTP.start(host, port.to_i, 'client.example', *login) do |smtp|
    smtp.send_message(letter, 'alice@example.org', 'bob@example.net')
  end
rescue StandardError => error
  abort "#{error.class}: #{error.message}"
end
