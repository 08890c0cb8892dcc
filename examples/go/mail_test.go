package shop

// Run by `doorpost run -- go test`: the mail really travels, and is read back over doorpost's API.

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// answer has the fields of doorpost's answers that these tests look at.
type answer struct {
	Messages []struct{ ID string }
	Sessions []struct{ ID string }
	Links    []struct{ URL string }
	Codes    []struct{ Code string }
	Findings []struct{ Code, Change string }
}

func ask(t *testing.T, method, path string, parameters url.Values, body any) answer {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, os.Getenv("DOORPOST_URL")+path+"?"+parameters.Encode(), bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	var it answer
	if err == nil {
		err = json.Unmarshal(text, &it)
	}
	if err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v %s", method, path, got.Status, err, text)
	}
	return it
}

func get(t *testing.T, path string, parameters url.Values) answer {
	t.Helper()
	return ask(t, http.MethodGet, path, parameters, nil)
}

// waitFor gives the path of the newest message that matches, as soon as it is there.
func waitFor(t *testing.T, query string) string {
	t.Helper()
	found := get(t, "/api/messages/wait", url.Values{"query": {query}, "timeout": {"10s"}})
	return "/api/messages/" + found.Messages[0].ID
}

func TestAPasswordResetHasALinkAndACode(t *testing.T) {
	if err := FromEnvironment().PasswordReset("ann@customer.example"); err != nil {
		t.Fatal(err)
	}
	message := waitFor(t, "rcpt:ann@customer.example subject:reset")
	link := get(t, message+"/links", nil).Links[0].URL
	if !regexp.MustCompile(`^https://shop\.example/reset\?token=[0-9a-f]{32}$`).MatchString(link) {
		t.Errorf("the link is %q", link)
	}
	code := get(t, message+"/codes", nil).Codes[0].Code
	if !regexp.MustCompile(`^\d{6}$`).MatchString(code) {
		t.Errorf("the code is %q", code)
	}
}

func TestWhatWasPutOffIsTriedAgain(t *testing.T) {
	// 450 for the first time, then 250.
	ask(t, http.MethodPut, "/api/faults", nil, map[string]any{"faults": []string{"busy=1"}})
	defer ask(t, http.MethodDelete, "/api/faults", nil, nil)
	if err := FromEnvironment().PasswordReset("ben@customer.example"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "rcpt:ben@customer.example")
	if tries := get(t, "/api/sessions", url.Values{"query": {"code:450"}}).Sessions; len(tries) != 1 {
		t.Errorf("it was put off %d times", len(tries))
	}
}

func TestARecipientThatIsRefusedDoesNotCostTheOthersTheirMail(t *testing.T) {
	// Under .test some addresses are refused by their name: `doorpost faults` lists them.
	addresses := []string{"cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example"}
	refused, err := FromEnvironment().Newsletter(addresses, "Everything is cheaper.\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if why := refused["hard-bounce@doorpost.test"]; len(refused) != 1 || why == nil || !strings.Contains(why.Error(), "5.1.1") {
		t.Errorf("refused were %v", refused)
	}
	waitFor(t, "rcpt:cleo@customer.example rcpt:dan@customer.example subject:news")
}

func TestAWrongPortIsNamed(t *testing.T) {
	// TLS from the first byte is for 465. On 587 the connection begins in the clear: StartTLS.
	server := FromEnvironment()
	server.Host, server.Port, server.TLS = "localhost", os.Getenv("DOORPOST_SUBMISSION_PORT"), true
	if err := server.PasswordReset("eve@customer.example"); err == nil {
		t.Fatal("a wrong port took the mail")
	}
	finding := get(t, "/api/findings", url.Values{"code": {"tls-to-starttls-port"}}).Findings[0]
	if finding.Change == "" {
		t.Errorf("%v does not say what to change", finding)
	}
}
