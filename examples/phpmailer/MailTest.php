<?php
// Run by `doorpost run -- phpunit MailTest.php`: the mail really travels, and is read back over doorpost's API.

use PHPMailer\PHPMailer\Exception;
use PHPMailer\PHPMailer\PHPMailer;
use PHPUnit\Framework\TestCase;

$installed = __DIR__ . '/vendor/autoload.php';
require is_file($installed) ? $installed : '/usr/share/php/libphp-phpmailer/autoload.php'; // Debian's
require __DIR__ . '/Mail.php';

final class MailTest extends TestCase
{
    protected function tearDown(): void
    {
        $this->ask('/api/faults', [], 'DELETE');
    }

    public function testAPasswordResetHasALinkAndACode(): void
    {
        Mail::passwordReset('ann@customer.example');

        $id = $this->waitFor('rcpt:ann@customer.example subject:reset')['id'];
        $links = $this->ask("/api/messages/$id/links")['links'];
        $codes = $this->ask("/api/messages/$id/codes")['codes'];
        $this->assertMatchesRegularExpression('|^https://shop\.example/reset\?token=[0-9a-f]{32}$|', $links[0]['url']);
        $this->assertMatchesRegularExpression('/^\d{6}$/', $codes[0]['code']);
    }

    public function testWhatWasPutOffIsTriedAgain(): void
    {
        $this->ask('/api/faults', [], 'PUT', ['faults' => ['busy=1']]); // 450 for the first time, then 250
        Mail::passwordReset('ben@customer.example');

        $this->waitFor('rcpt:ben@customer.example');
        $this->assertCount(1, $this->ask('/api/sessions', ['query' => 'code:450'])['sessions']);
    }

    public function testARecipientThatIsRefusedDoesNotCostTheOthersTheirMail(): void
    {
        // Under .test some addresses are refused by their name: `doorpost faults` lists them.
        $addresses = ['cleo@customer.example', 'hard-bounce@doorpost.test', 'dan@customer.example'];
        $refused = Mail::newsletter($addresses, "Everything is cheaper.\n");

        $this->assertSame(['hard-bounce@doorpost.test'], array_keys($refused));
        $this->assertStringContainsString('No such user', $refused['hard-bounce@doorpost.test']);
        $this->waitFor('rcpt:cleo@customer.example subject:news');
        $this->waitFor('rcpt:dan@customer.example subject:news');
    }

    public function testAWrongPortIsNamed(): void
    {
        // ENCRYPTION_SMTPS is for 465. On 587 the connection begins in the clear: ENCRYPTION_STARTTLS.
        $mail = Mail::mailer();
        $mail->Host = 'localhost';
        $mail->Port = (int) getenv('DOORPOST_SUBMISSION_PORT');
        $mail->SMTPSecure = PHPMailer::ENCRYPTION_SMTPS;
        $mail->addAddress('eve@customer.example');
        $mail->Body = '…';
        try {
            Mail::send($mail);
            $this->fail('a wrong port took the mail');
        } catch (Exception) {
            $finding = $this->ask('/api/findings', ['code' => 'tls-to-starttls-port'])['findings'][0];
            $this->assertNotEmpty($finding['change']);
        }
    }

    /** The newest message that matches, as soon as it is there. */
    private function waitFor(string $query): array
    {
        return $this->ask('/api/messages/wait', ['query' => $query, 'timeout' => '10s'])['messages'][0];
    }

    private function ask(string $path, array $parameters = [], string $method = 'GET', ?array $body = null): array
    {
        $context = stream_context_create(['http' => [
            'method' => $method,
            'header' => 'Content-Type: application/json',
            'content' => $body === null ? '' : json_encode($body),
        ]]);
        $url = getenv('DOORPOST_URL') . $path . '?' . http_build_query($parameters);
        return json_decode(file_get_contents($url, false, $context), true, 512, JSON_THROW_ON_ERROR);
    }
}
