<?php
// The mail that the shop sends. Where it goes stands in the environment, in production as in the tests.

use PHPMailer\PHPMailer\Exception;
use PHPMailer\PHPMailer\PHPMailer;
use PHPMailer\PHPMailer\SMTP;

/** Remembers with which code each recipient was refused: PHPMailer's exception has only the words. */
final class RememberingSmtp extends SMTP
{
    /** @var array<string, int> */
    public array $refused = [];

    public function recipient($address, $dsn = '')
    {
        $isTaken = parent::recipient($address, $dsn);
        if (!$isTaken) {
            $this->refused[$address] = (int) $this->getError()['smtp_code'];
        }
        return $isTaken;
    }
}

final class Mail
{
    private const TRIES = 3;

    public static function mailer(): PHPMailer
    {
        $mail = new PHPMailer(true);
        $mail->isSMTP();
        $mail->setSMTPInstance(new RememberingSmtp());
        $mail->Timeout = 10;
        $mail->Host = getenv('SMTP_HOST');
        $mail->Port = (int) getenv('SMTP_PORT');
        $mail->SMTPAuth = getenv('SMTP_USERNAME') !== false;
        $mail->Username = (string) getenv('SMTP_USERNAME');
        $mail->Password = (string) getenv('SMTP_PASSWORD');
        $mail->SMTPSecure = match (true) {
            getenv('SMTP_SSL') === 'true' => PHPMailer::ENCRYPTION_SMTPS,
            getenv('SMTP_STARTTLS') === 'true' => PHPMailer::ENCRYPTION_STARTTLS,
            default => '',
        };
        $mail->SMTPAutoTLS = false; // what was not asked for is not tried
        $mail->CharSet = PHPMailer::CHARSET_UTF8;
        $mail->setFrom('shop@example.org', 'Shop');
        return $mail;
    }

    public static function passwordReset(string $address): void
    {
        $code = sprintf('%06d', random_int(0, 999_999));
        $link = 'https://shop.example/reset?token=' . bin2hex(random_bytes(16));
        $mail = self::mailer();
        $mail->addAddress($address);
        $mail->Subject = 'Reset your password';
        $mail->isHTML();
        $mail->Body = "<p>Your code is <b>$code</b>, or <a href=\"$link\">follow this link</a>.</p>";
        $mail->AltBody = "Your code is $code. Or follow this link:\n$link\n";
        self::send($mail);
    }

    /**
     * Sends to each address by itself, over one connection, and gives those that were refused, with the server's words.
     *
     * @param string[] $addresses
     * @return array<string, string>
     */
    public static function newsletter(array $addresses, string $text): array
    {
        $mail = self::mailer();
        $mail->SMTPKeepAlive = true;
        $mail->Subject = 'News';
        $mail->Body = $text;
        $refused = [];
        foreach ($addresses as $address) {
            $mail->clearAddresses();
            $mail->addAddress($address);
            try {
                self::send($mail);
            } catch (Exception) {
                $refused[$address] = $mail->ErrorInfo;
            }
        }
        $mail->smtpClose();
        return $refused;
    }

    /** Tries again what the server put off (4xx), and nothing that it refused for good (5xx). */
    public static function send(PHPMailer $mail): void
    {
        for ($left = self::TRIES - 1; ; $left--) {
            $smtp = $mail->getSMTPInstance();
            $smtp->refused = [];
            try {
                $mail->send();
                return;
            } catch (Exception $error) {
                $isPutOff = $smtp->refused !== [] && max($smtp->refused) < 500;
                if ($left === 0 || !$isPutOff) {
                    throw $error;
                }
                usleep(100_000);
            }
        }
    }
}
