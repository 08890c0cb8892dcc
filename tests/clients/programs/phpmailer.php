<?php
// PHPMailer: SMTPSecure is STARTTLS or implicit TLS, SMTPOptions carries the CA for PHP's streams.
require 'libphp-phpmailer/autoload.php';

use PHPMailer\PHPMailer\PHPMailer;
use PHPMailer\PHPMailer\SMTP;

[, $host, $port, $mode, $user, $secret, $ca, $from, $to, $subject] = $argv;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = $host;
$mail->Port = (int) $port;
$mail->Timeout = (int) (getenv('PATIENCE') ?: 15);
$mail->SMTPDebug = SMTP::DEBUG_CONNECTION;
$mail->Debugoutput = 'echo';
$mail->SMTPAutoTLS = false;
$mail->SMTPSecure = match ($mode) {
    'starttls' => PHPMailer::ENCRYPTION_STARTTLS,
    'tls' => PHPMailer::ENCRYPTION_SMTPS,
    default => '',
};
$mail->SMTPOptions = ['ssl' => ['cafile' => $ca]];
$mail->SMTPAuth = $user !== '';
$mail->Username = $user;
$mail->Password = $secret;

$mail->CharSet = PHPMailer::CHARSET_UTF8;
$mail->setFrom($from);
$mail->addAddress($to);
$mail->Subject = $subject;
$mail->Body = file_get_contents(getenv('BODY'));
try {
    $mail->send();
} catch (Exception $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit(1);
}
