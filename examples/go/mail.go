// Package shop is a shop that sends mail with Go's own net/smtp.
package shop

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"
)

const (
	from  = "shop@example.org"
	tries = 3
	pause = 100 * time.Millisecond
)

// Server is where mail goes.
type Server struct {
	Host, Port, User, Password string
	TLS                        bool // from the first byte, as on 465
	StartTLS                   bool // demanded, as on 587
}

// FromEnvironment reads where mail goes, in production as in the tests.
func FromEnvironment() Server {
	return Server{
		Host: os.Getenv("SMTP_HOST"), Port: os.Getenv("SMTP_PORT"),
		User: os.Getenv("SMTP_USERNAME"), Password: os.Getenv("SMTP_PASSWORD"),
		TLS: os.Getenv("SMTP_SSL") == "true", StartTLS: os.Getenv("SMTP_STARTTLS") == "true",
	}
}

// PasswordReset sends a link and a code.
func (s Server) PasswordReset(address string) error {
	number, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return err
	}
	text := fmt.Sprintf("Your code is %06d. Or follow this link:\r\nhttps://shop.example/reset?token=%s\r\n", number, hex.EncodeToString(token))
	refused, err := s.Send([]string{address}, letter(address, "Reset your password", text))
	if err == nil {
		err = refused[address]
	}
	return err
}

// Newsletter sends one message to all, hidden from each other, and gives those that were refused, and why.
func (s Server) Newsletter(addresses []string, text string) (map[string]error, error) {
	return s.Send(addresses, letter("Customers:;", "News", text))
}

func letter(to, subject, text string) []byte {
	return []byte(fmt.Sprintf("From: Shop <%s>\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%d@shop.example>\r\n\r\n%s",
		from, to, subject, time.Now().Format(time.RFC1123Z), time.Now().UnixNano(), text))
}

// Send tries again what the server put off (4xx), and nothing that it refused for good (5xx). smtp.SendMail gives up at
// the first recipient that is refused, so the steps are taken one by one here.
func (s Server) Send(addresses []string, message []byte) (map[string]error, error) {
	refused := map[string]error{}
	for left := tries - 1; ; left-- {
		answers, err := s.once(addresses, message)
		if err != nil && (left == 0 || !isTemporary(err)) {
			return refused, err
		}
		var again []string
		for address, answer := range answers {
			if left > 0 && isTemporary(answer) {
				again = append(again, address)
			} else {
				refused[address] = answer
			}
		}
		if err == nil && len(again) == 0 {
			return refused, nil
		}
		if err == nil {
			addresses = again
		}
		time.Sleep(pause)
	}
}

// once is one try: the recipients that were refused, or why nothing could be sent.
func (s Server) once(addresses []string, message []byte) (map[string]error, error) {
	client, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := client.Mail(from); err != nil {
		return nil, err
	}
	refused := map[string]error{}
	for _, address := range addresses {
		if err := client.Rcpt(address); err != nil {
			refused[address] = err
		}
	}
	if len(refused) == len(addresses) {
		return refused, client.Quit()
	}
	data, err := client.Data()
	if err != nil {
		return nil, err
	}
	if _, err := data.Write(message); err != nil {
		return nil, err
	}
	// The message is the server's when this says so.
	if err := data.Close(); err != nil {
		return nil, err
	}
	return refused, client.Quit()
}

func (s Server) dial() (*smtp.Client, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	address := net.JoinHostPort(s.Host, s.Port)
	var connection net.Conn
	var err error
	if s.TLS {
		connection, err = tls.DialWithDialer(&dialer, "tcp", address, nil)
	} else {
		connection, err = dialer.Dial("tcp", address)
	}
	if err != nil {
		return nil, err
	}
	// Without it a server that says nothing holds the program for ever.
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	client, err := smtp.NewClient(connection, s.Host)
	if err != nil {
		return nil, err
	}
	if name, err := os.Hostname(); err == nil && !strings.ContainsAny(name, " \r\n") {
		if err := client.Hello(name); err != nil {
			return nil, err
		}
	}
	if s.StartTLS {
		if err := client.StartTLS(&tls.Config{ServerName: s.Host}); err != nil {
			return nil, err
		}
	}
	if s.User != "" {
		// PlainAuth refuses to say a password in the clear, except to localhost.
		if err := client.Auth(smtp.PlainAuth("", s.User, s.Password, s.Host)); err != nil {
			return nil, err
		}
	}
	return client, nil
}

func isTemporary(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply) && reply.Code >= 400 && reply.Code < 500
}
