// Go's net/smtp. SendMail takes STARTTLS whenever it is offered and trusts the CA that SSL_CERT_FILE names; the
// other modes are a connection of one's own under smtp.NewClient.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"strings"
	"time"
)

func main() {
	host, port, mode, user, secret, ca := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	from, to, subject := os.Args[7], os.Args[8], os.Args[9]

	body, err := os.ReadFile(os.Getenv("BODY"))
	check(err)
	message := []byte("From: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject +
		"\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
		strings.ReplaceAll(string(body), "\n", "\r\n"))
	var auth smtp.Auth
	if user != "" {
		auth = smtp.PlainAuth("", user, secret, host)
	}
	address := net.JoinHostPort(host, port)

	var connection net.Conn
	switch mode {
	case "starttls":
		check(os.Setenv("SSL_CERT_FILE", ca))
		check(smtp.SendMail(address, auth, from, []string{to}, message))
		return
	case "tls":
		pem, err := os.ReadFile(ca)
		check(err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		connection, err = tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: host})
		check(err)
	default:
		connection, err = net.Dial("tcp", address)
		check(err)
	}
	check(connection.SetDeadline(time.Now().Add(15 * time.Second)))
	client, err := smtp.NewClient(connection, host)
	check(err)
	check(client.Hello("client.example"))
	if auth != nil {
		check(client.Auth(auth))
	}
	check(client.Mail(from))
	check(client.Rcpt(to))
	data, err := client.Data()
	check(err)
	_, err = data.Write(message)
	check(err)
	check(data.Close())
	check(client.Quit())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
